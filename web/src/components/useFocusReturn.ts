import { useLayoutEffect } from 'react';

/**
 * Once `isOpen` has ended, or its component has gone, the focus is back where it was before; on the
 * page where that is gone.
 */
export function useFocusReturn(isOpen: boolean): void {
  useLayoutEffect(() => {
    if (!isOpen) return;
    const before = document.activeElement;
    return () => {
      const place = before?.isConnected ? before : document.getElementById('main');
      if (place instanceof HTMLElement) place.focus({ preventScroll: true });
    };
  }, [isOpen]);
}
