import '@/styles/dialog';
import '@mantine/core/styles/ScrollArea.layer.css';
import '@mantine/spotlight/styles.layer.css';
import { Spotlight, spotlight } from '@mantine/spotlight';
import { IconChecklist, IconSearch } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useChosenClient } from '@/client/hooks';
import { recommendationsQuery } from '@/client/queries';
import { SCREEN_GROUPS } from './screens';

const SHOWN = 12;
const ASK = 'A screen, an underlying, a strategy';

/** Type where to go, press Enter: every screen, and every recommendation to decide. */
export default function Palette({ onClose }: { onClose: () => void }) {
  const actions = usePlaces();
  useEffect(() => spotlight.open(), []);
  return (
    <Spotlight
      actions={actions}
      shortcut={null}
      attributes={{ content: { 'aria-label': 'Go to' } }}
      limit={SHOWN}
      onSpotlightClose={onClose}
      nothingFound="Nothing is called that."
      searchProps={{
        placeholder: ASK,
        'aria-label': 'Where to go',
        leftSection: <IconSearch size={18} aria-hidden />,
      }}
    />
  );
}

function usePlaces() {
  const navigate = useNavigate();
  const client = useChosenClient();
  const offers = useInfiniteQuery(
    recommendationsQuery({ client: client?.id, account: undefined, state: ['PROPOSED'] }),
  );
  const screens = SCREEN_GROUPS.flatMap((group) =>
    group.screens.map(({ to, label, icon: Picture }) => ({
      id: to,
      label,
      leftSection: <Picture size={18} stroke={1.7} aria-hidden />,
      onClick: () => void navigate({ to }),
    })),
  );
  const cards = (offers.data?.pages ?? []).flatMap((page) =>
    page.items.map((row) => ({
      id: row.id,
      label: row.trade,
      description: row.strategy.name,
      leftSection: <IconChecklist size={18} stroke={1.7} aria-hidden />,
      onClick: () => void navigate({ to: '/recommendations/$id', params: { id: row.id } }),
    })),
  );
  return [...screens, ...cards];
}
