import { ActionIcon } from '@mantine/core';
import { IconHandStop } from '@tabler/icons-react';
import { Suspense, useState } from 'react';
import { lazyPart } from '@/components/lazyPart';
import { StopElsewhere } from '@/components/StopElsewhere';
import styles from './StopButton.module.css';

const StoppingDialog = lazyPart(() => import('@/features/stopping/StoppingDialog'));

const LABEL = 'Stop or resume trading, kill switch';

/** Always in reach. */
export function StopButton() {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <>
      <ActionIcon
        variant="light"
        color="red"
        size="md"
        aria-label={LABEL}
        aria-haspopup="dialog"
        data-tip={LABEL}
        onClick={() => setIsOpen(true)}
      >
        <IconHandStop size={16} stroke={1.9} aria-hidden />
      </ActionIcon>
      {isOpen && (
        <Suspense fallback={<Opening />}>
          <StoppingDialog onClose={() => setIsOpen(false)} />
        </Suspense>
      )}
    </>
  );
}

/** Seen where the dialog was asked for before its code was there, and the desk is away. */
function Opening() {
  return (
    <div role="status" className={`panel ${styles.opening}`}>
      <p>Opening…</p>
      <StopElsewhere />
    </div>
  );
}
