import { Box } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Outlet } from '@tanstack/react-router';
import { useEffect } from 'react';
import { MomentFrameContext, useDesk, useMomentFrame } from '@/client/hooks';
import { fetchPartsLater } from '@/components/lazyPart';
import { TipLayer } from '@/components/TipLayer';
import styles from './Frame.module.css';
import { Header } from './Header';
import { Navigation } from './Navigation';
import { StaleBanner } from './StaleBanner';
import { StatusStrip } from './StatusStrip';
import { StreamProvider } from './StreamProvider';
import { useArrival } from './useArrival';

/** Everything around a screen: navigation, and what the person must know wherever they are. */
export function Frame() {
  return (
    <StreamProvider>
      <a href="#main" className={`skip-link ${styles.skip}`}>
        Skip to the page
      </a>
      <Shell />
    </StreamProvider>
  );
}

function Shell() {
  const [isOpen, { toggle, close }] = useDisclosure(false);
  const moments = useMomentFrame();
  const kinds = new Set(useDesk()?.accounts.map((account) => account.kind));
  const kind = kinds.has('LIVE') ? 'LIVE' : kinds.has('PAPER') ? 'PAPER' : 'SIMULATED';
  useCloseOnEscape(isOpen, close);
  useEffect(fetchPartsLater, []);
  useArrival();
  return (
    <MomentFrameContext value={moments}>
      <header className={styles.header} data-kind={kinds.size > 0 ? kind : undefined}>
        <Header isNavigationOpen={isOpen} onToggleNavigation={toggle} />
      </header>
      <div className={styles.navbar} id="navigation" data-open={isOpen || undefined}>
        <Navigation onNavigate={close} />
      </div>
      {isOpen && <div className={styles.shade} onClick={close} aria-hidden />}
      <main className={styles.main}>
        <Box hiddenFrom="xl" className={styles.strip}>
          <StatusStrip />
        </Box>
        <StaleBanner />
        {kinds.size > 0 && kind === 'SIMULATED' && (
          <p className={styles.demo}>
            <b>DEMO</b> Simulated market: no broker, no real money
          </p>
        )}
        <div id="main" tabIndex={-1} className={styles.page}>
          <Outlet />
        </div>
        <TipLayer />
      </main>
    </MomentFrameContext>
  );
}

function useCloseOnEscape(isOpen: boolean, close: () => void): void {
  useEffect(() => {
    if (!isOpen) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape') close();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [isOpen, close]);
}
