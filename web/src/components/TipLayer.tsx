import { useEffect, useId, useRef } from 'react';
import styles from './TipLayer.module.css';
import { showTips } from './tips';

/** Where tips appear, over everything else. */
export function TipLayer() {
  const bubble = useRef<HTMLDivElement>(null);
  const id = useId();
  useEffect(() => (bubble.current === null ? undefined : showTips(bubble.current)), []);
  return <div ref={bubble} id={id} role="tooltip" popover="manual" className={styles.bubble} />;
}
