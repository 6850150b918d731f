import { Button } from '@mantine/core';
import { IconChecklist, IconMoonStars, IconPlugConnectedX } from '@tabler/icons-react';
import { useDesk } from '@/client/hooks';
import { EmptyState } from '@/components/EmptyState';
import { QuietRuns } from './QuietRuns';
import type { View } from './search';

interface NoRecommendationsProps {
  view: View;
  account: string | undefined;
  onShowAll: () => void;
}

/** Why the queue is empty and when that may change. */
export default function NoRecommendations({ view, account, onShowAll }: NoRecommendationsProps) {
  const desk = useDesk();
  const showAll = (
    <Button variant="default" onClick={onShowAll}>
      Show all recommendations
    </Button>
  );
  if (view === 'all') {
    return (
      <EmptyState icon={IconChecklist} title="No recommendations yet">
        They appear here when an enabled strategy finds a trade. Check that a strategy instance is
        enabled for one of these accounts.
      </EmptyState>
    );
  }
  if (view !== 'decide') {
    return (
      <EmptyState icon={IconChecklist} title="No recommendations in this view" action={showAll}>
        {view === 'working'
          ? 'No approved trade is being carried out right now.'
          : 'Nothing has been decided, filled or refused yet.'}
      </EmptyState>
    );
  }
  if (desk?.gateways.some((gateway) => gateway.connection === 'DISCONNECTED')) {
    return (
      <EmptyState
        icon={IconPlugConnectedX}
        title="Nothing to decide: the broker is not connected"
        action={showAll}
      >
        Strategies cannot see the market until the connection is back. It is retried by itself.
      </EmptyState>
    );
  }
  if (desk?.market.session_open === false) {
    return (
      <EmptyState
        icon={IconMoonStars}
        title="Nothing to decide: the market is closed"
        action={showAll}
      >
        Strategies run while the session is open. New recommendations appear here by themselves.
      </EmptyState>
    );
  }
  return <QuietRuns account={account} showAll={showAll} />;
}
