import { Button } from '@mantine/core';
import { IconArrowsDiff } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';

/** Lays those picked side by side; it takes two. */
export function CompareButton({ picked }: { picked: ReadonlySet<string> }) {
  const navigate = useNavigate();
  return (
    <Button
      variant="default"
      leftSection={<IconArrowsDiff size={16} aria-hidden />}
      disabled={picked.size < 2}
      onClick={() =>
        void navigate({ to: '/backtests/compare', search: { ids: [...picked] } as never })
      }
    >
      {picked.size < 2 ? 'Compare' : `Compare ${picked.size}`}
    </Button>
  );
}
