import { ActionIcon, Box } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { Suspense, useEffect, useState } from 'react';
import { lazyPart } from '@/components/lazyPart';

const Palette = lazyPart(() => import('./Palette'));

const LABEL = 'Go anywhere: ⌘K or Ctrl K';

/** Opens the command palette, at ⌘K or Ctrl K, too. */
export function PaletteKey() {
  const [isOpen, setIsOpen] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey)) return;
      event.preventDefault();
      setIsOpen(true);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  return (
    <>
      <Box visibleFrom="md">
        <ActionIcon
          variant="subtle"
          color="gray"
          size="lg"
          aria-label={LABEL}
          aria-keyshortcuts="Meta+K Control+K"
          data-tip={LABEL}
          onClick={() => setIsOpen(true)}
        >
          <IconSearch size={20} stroke={1.7} aria-hidden />
        </ActionIcon>
      </Box>
      {isOpen && (
        <Suspense fallback={null}>
          <Palette onClose={() => setIsOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
