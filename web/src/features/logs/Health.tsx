import { Button, Group, Stack, Text } from '@mantine/core';
import { IconHeartbeat, IconRefresh } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { Check } from '@/client/schema';
import type { Column } from '@/components/columns';
import { EmptyState } from '@/components/EmptyState';
import { LogTabs } from '@/components/LogTabs';
import { Moment } from '@/components/Moment';
import { TableScreen } from '@/components/TableScreen';
import { StateTag } from '@/components/Tag';
import type { StateWords } from '@/lib/states';
import { healthQuery } from './queries';

const HEALTH_STATES = {
  ok: { tone: 'ok', meaning: 'It does its work.' },
  degraded: { tone: 'warn', meaning: 'It works, but somebody should look.' },
  failed: { tone: 'danger', meaning: 'Something that orders depend on does not work.' },
} as const satisfies Record<Check['state'], StateWords>;

const COLUMNS: readonly Column<Check>[] = [
  {
    id: 'state',
    header: 'State',
    kind: 'text',
    value: (check) => check.state,
    cell: (check) => <StateTag state={check.state} words={HEALTH_STATES} />,
  },
  { id: 'part', header: 'Part', kind: 'text', value: (check) => check.part },
  { id: 'name', header: 'Name', kind: 'text', value: (check) => check.name },
  { id: 'detail', header: 'Found', kind: 'text', value: (check) => check.detail },
  { id: 'advice', header: 'What to do', kind: 'text', value: (check) => check.advice },
];

/** Every part of the desk by itself: how it is, and what to do where it is not well. */
export function Health() {
  const query = useInfiniteQuery(healthQuery());
  const checkedAt = query.data?.pages[0]?.checkedAt;
  return (
    <TableScreen<Check>
      title="Health"
      name="health"
      query={query}
      columns={COLUMNS}
      controls={
        <Button
          variant="default"
          leftSection={<IconRefresh size={16} aria-hidden />}
          loading={query.isFetching}
          onClick={() => void query.refetch()}
        >
          Look again
        </Button>
      }
      notice={
        <>
          <LogTabs current="Health" />
          {checkedAt !== undefined && (
            <Text size="sm" c="dimmed" component="div">
              Examined at <Moment at={checkedAt} />
            </Text>
          )}
        </>
      }
      empty={
        <EmptyState icon={IconHeartbeat} title="Nothing was examined">
          Database, Temporal, workers, schedules, gateways, data, clocks and disk appear here.
        </EmptyState>
      }
      rowKey={(check) => `${check.part} ${check.name}`}
      card={(check) => (
        <Stack gap={6}>
          <Group justify="space-between">
            <Text size="sm" fw={500}>
              {check.part}: {check.name}
            </Text>
            <StateTag state={check.state} words={HEALTH_STATES} />
          </Group>
          <Text size="sm">{check.detail}</Text>
          {check.advice !== '' && (
            <Text size="xs" c="dimmed">
              {check.advice}
            </Text>
          )}
        </Stack>
      )}
      isAlarming={(check) => check.state === 'failed'}
    />
  );
}
