import { ActionIcon } from '@mantine/core';
import { IconHandStop } from '@tabler/icons-react';
import { lazy, Suspense, useState } from 'react';

const StoppingDialog = lazy(() => import('@/features/stopping/StoppingDialog'));

const LABEL = 'Stop or resume trading, kill switch';

/** Always in reach; its dialog is fetched when somebody reaches for it. */
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
        <Suspense fallback={null}>
          <StoppingDialog onClose={() => setIsOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
