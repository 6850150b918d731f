import { useLayoutEffect } from 'react';

/**
 * While `isOn`, the page behind a dialog does not scroll. Set on the root element alone: the style
 * sheet that Mantine's own lock adds has every style of the page worked out anew.
 */
export function useScrollLock(isOn: boolean): void {
  useLayoutEffect(() => {
    if (!isOn) return;
    const { style } = document.documentElement;
    style.overflow = 'hidden';
    return () => {
      style.overflow = '';
    };
  }, [isOn]);
}
