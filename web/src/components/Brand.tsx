import styles from './Brand.module.css';

export function Brand() {
  return (
    <span className={styles.brand}>
      <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
        <circle cx="10" cy="10" r="9" className={styles.lamp} />
        <path d="M5.8 10.4l2.8 2.8 5.6-6.2" className={styles.tick} />
      </svg>
      <span className={styles.name}>Greenlight</span>
    </span>
  );
}
