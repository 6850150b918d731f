import { useRouter } from '@tanstack/react-router';
import { useEffect } from 'react';

/**
 * On another screen the focus is at its heading, as if the page had been loaded; on the page itself
 * until the heading is there. What has taken the focus before, a dialog say, keeps it.
 */
export function useArrival(): void {
  const router = useRouter();
  useEffect(
    () =>
      router.subscribe('onRendered', ({ pathChanged, fromLocation }) => {
        if (!pathChanged || fromLocation === undefined) return;
        const page = document.getElementById('main');
        const isTaken = page?.contains(document.activeElement) || document.querySelector(DIALOG);
        if (page === null || isTaken) return;
        const heading = page.querySelector<HTMLElement>('h1');
        (heading ?? page).focus({ preventScroll: true });
      }),
    [router],
  );
}

const DIALOG = '[role="dialog"]';
