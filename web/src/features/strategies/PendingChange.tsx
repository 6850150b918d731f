import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { IconUsers } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';
import { refresh } from '@/client/queries';
import type { StrategyDetail } from '@/client/schema';
import { announce } from '@/components/announce';
import { Refusal } from '@/components/CommandForm';
import { ChangeTable } from '@/components/config/ChangeTable';
import { changesBetween, settingsOf } from '@/components/config/settings';
import { Moment } from '@/components/Moment';

type Proposal = NonNullable<StrategyDetail['proposal']>;

interface PendingChangeProps {
  strategy: StrategyDetail;
  proposal: Proposal;
}

/** A change that waits for a second person: what it is, whose, and what this person may do. */
export function PendingChange({ strategy, proposal }: PendingChangeProps) {
  const queries = useQueryClient();
  const path = { strategy_id: strategy.id, change_id: proposal.id };
  const onSettled = () => refresh(queries, ['strategies']);
  const approve = useMutation({
    mutationFn: () =>
      answerOf(
        api.POST('/api/strategies/{strategy_id}/changes/{change_id}/approve/', {
          params: { path },
        }),
      ),
    onSuccess: (saved) =>
      announce('Change approved', `Version ${saved.config_version} is in force from the next run.`),
    onSettled,
  });
  const reject = useMutation({
    mutationFn: () =>
      answerOf(
        api.POST('/api/strategies/{strategy_id}/changes/{change_id}/reject/', {
          params: { path },
          body: { reason: '' },
        }),
      ),
    onSuccess: () =>
      announce(
        proposal.is_own ? 'Change withdrawn' : 'Change rejected',
        `Version ${strategy.config_version} stays in force.`,
      ),
    onSettled,
  });
  const changes = changesBetween(
    settingsOf(strategy.config_schema),
    strategy.config,
    proposal.config,
  );
  const isBusy = approve.isPending || reject.isPending;
  return (
    <Alert
      variant="outline"
      mb="md"
      icon={<IconUsers aria-hidden />}
      title={
        proposal.is_own
          ? 'Your change waits for a second person'
          : `${proposal.author} proposes a change`
      }
    >
      <Stack gap="sm">
        <Text size="sm">
          Proposed <Moment at={proposal.proposed_at} />
          {proposal.reason === '' ? '. ' : `: “${proposal.reason}” `}
          Until somebody else approves it, version {strategy.config_version} stays in force.
        </Text>
        <ChangeTable changes={changes} />
        <Refusal error={approve.error} isError={approve.isError} />
        <Refusal error={reject.error} isError={reject.isError} />
        {strategy.may_configure && (
          <Group gap="sm">
            <Button
              variant="default"
              loading={reject.isPending}
              disabled={isBusy}
              onClick={() => reject.mutate()}
            >
              {proposal.is_own ? 'Withdraw the change' : 'Reject the change'}
            </Button>
            {!proposal.is_own && (
              <Button
                loading={approve.isPending}
                disabled={isBusy}
                onClick={() => approve.mutate()}
              >
                Approve the change
              </Button>
            )}
          </Group>
        )}
      </Stack>
    </Alert>
  );
}
