import qrcode from 'qrcode-generator';
import { useMemo } from 'react';
import styles from './account.module.css';

/** The blank frame a scanner needs around the code, in modules. */
const QUIET = 4;

interface Drawing {
  size: number;
  path: string;
}

/** The dark modules of the code that says `text`, as one path; a module is one unit. */
export function drawingOf(text: string): Drawing {
  const code = qrcode(0, 'M');
  code.addData(text);
  code.make();
  const count = code.getModuleCount();
  const modules = Array.from({ length: count * count }, (_, index) => index);
  const path = modules
    .filter((index) => code.isDark(Math.floor(index / count), index % count))
    .map((index) => `M${(index % count) + QUIET} ${Math.floor(index / count) + QUIET}h1v1h-1z`)
    .join('');
  return { size: count + 2 * QUIET, path };
}

/** A QR code, drawn here: the secret in it leaves this page for nobody. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const { size, path } = useMemo(() => drawingOf(text), [text]);
  return (
    <svg
      className={styles.code}
      viewBox={`0 0 ${size} ${size}`}
      shapeRendering="crispEdges"
      role="img"
      aria-label={label}
    >
      <path d={path} fill="currentColor" />
    </svg>
  );
}
