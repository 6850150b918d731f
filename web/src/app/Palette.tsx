import '@/styles/dialog';
import '@mantine/core/styles/ScrollArea.layer.css';
import '@mantine/spotlight/styles.layer.css';
import { Spotlight, spotlight } from '@mantine/spotlight';
import {
  type Icon,
  IconBell,
  IconChecklist,
  IconListTree,
  IconPlus,
  IconRobot,
  IconSearch,
  IconSettings,
  IconUserCircle,
} from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { type LinkProps, useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { recordedChainsQuery } from '@/client/chains';
import { useChosenClient } from '@/client/hooks';
import { recommendationsQuery } from '@/client/queries';
import { strategiesQuery } from '@/client/strategies';
import { rowsOf } from '@/components/pages';
import { useFocusReturn } from '@/components/useFocusReturn';
import { useScrollLock } from '@/components/useScrollLock';
import { SCREEN_GROUPS } from './screens';

const SHOWN = 14;
const ASK = 'A screen, an underlying, a strategy';

/** Type where to go, press Enter: every screen, and what is on it to be opened. */
export default function Palette({ onClose }: { onClose: () => void }) {
  const actions = usePlaces();
  useEffect(() => spotlight.open(), []);
  useScrollLock(true);
  useFocusReturn(true);
  return (
    <Spotlight
      actions={actions}
      shortcut={null}
      lockScroll={false}
      returnFocus={false}
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

interface Place {
  id: string;
  label: string;
  description?: string;
  icon: Icon;
  link: Pick<LinkProps, 'to'> & { params?: object; search?: object };
}

const log = (label: string, name: string): Place => ({
  id: name,
  label,
  icon: IconBell,
  link: { to: '/logs/$log', params: { log: name } },
});

const section = (label: string, name: string): Place => ({
  id: name,
  label,
  icon: IconSettings,
  link: { to: '/administration/$section', params: { section: name } },
});

/** What is not in the rail. */
const OTHER_PLACES: readonly Place[] = [
  log('Strategy errors', 'strategy-errors'),
  log('Broker messages', 'broker-messages'),
  log('Audit trail', 'audit'),
  log('Health of the desk', 'health'),
  section('Users and roles', 'users'),
  section('Clients and accounts', 'clients'),
  section('Gateways', 'gateways'),
  section('Limits', 'limits'),
  { id: 'new-backtest', label: 'New backtest', icon: IconPlus, link: { to: '/backtests/new' } },
  { id: 'account', label: 'Your account', icon: IconUserCircle, link: { to: '/account' } },
];

function usePlaces() {
  const navigate = useNavigate();
  const client = useChosenClient()?.id;
  const of = { client, account: undefined };
  const offers = useInfiniteQuery(recommendationsQuery({ ...of, state: ['PROPOSED'] }));
  const strategies = useInfiniteQuery(strategiesQuery(of));
  const chains = useQuery(recordedChainsQuery);
  const screens: Place[] = SCREEN_GROUPS.flatMap((group) =>
    group.screens.map(({ to, label, icon }) => ({ id: to, label, icon, link: { to } })),
  );
  const cards = rowsOf(offers).map(
    (row): Place => ({
      id: row.id,
      label: row.trade,
      description: row.strategy.name,
      icon: IconChecklist,
      link: { to: '/recommendations/$id', params: { id: row.id } },
    }),
  );
  const working = rowsOf(strategies).map(
    (row): Place => ({
      id: row.id,
      label: row.name,
      description: 'Strategy',
      icon: IconRobot,
      link: { to: '/strategies/$id', params: { id: row.id } },
    }),
  );
  const underlyings = (chains.data ?? []).map(
    ({ symbol }): Place => ({
      id: `chain ${symbol}`,
      label: symbol,
      description: 'Option chain',
      icon: IconListTree,
      link: { to: '/chain', search: { symbol } },
    }),
  );
  return [...screens, ...cards, ...working, ...underlyings, ...OTHER_PLACES].map(
    ({ icon: Picture, link, ...place }) => ({
      ...place,
      leftSection: <Picture size={18} stroke={1.7} aria-hidden />,
      onClick: () => void navigate(link as never),
    }),
  );
}
