import { NativeSelect, Stack, Text } from '@mantine/core';
import { IconHistory } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useMe } from '@/client/hooks';
import type { AuditRow } from '@/client/schema';
import type { Column } from '@/components/columns';
import { DataTable } from '@/components/DataTable';
import { EmptyState } from '@/components/EmptyState';
import { ListScreen } from '@/components/ListScreen';
import { LogTabs } from '@/components/LogTabs';
import { Moment } from '@/components/Moment';
import { actionWords, factsInWords } from './auditWords';
import { auditQuery } from './queries';
import { VerifyChain } from './VerifyChain';

const KINDS = [
  { value: '', label: 'Everything' },
  { value: 'recommendation.', label: 'Decisions' },
  { value: 'order.', label: 'Orders' },
  { value: 'trading_state.', label: 'Trading state' },
  { value: 'limits.', label: 'Limits' },
  { value: 'strategy', label: 'Strategies' },
  { value: 'user.', label: 'Users' },
  { value: 'role.', label: 'Roles' },
  { value: 'session', label: 'Sessions' },
];

const COLUMNS: readonly Column<AuditRow>[] = [
  {
    id: 'seq',
    header: 'No.',
    hint: 'Its place in the chain',
    kind: 'number',
    value: (row) => row.seq,
  },
  {
    id: 'at',
    header: 'When',
    kind: 'text',
    value: (row) => row.at,
    cell: (row) => <Moment at={row.at} />,
  },
  { id: 'actor', header: 'Who', kind: 'text', value: (row) => row.actor },
  {
    id: 'action',
    header: 'What',
    kind: 'text',
    value: (row) => row.action,
    cell: (row) => <span title={row.action}>{actionWords(row.action)}</span>,
  },
  {
    id: 'facts',
    header: 'Before → after',
    kind: 'text',
    value: (row) => factsInWords(row.before, row.after),
    cell: (row) => <Facts row={row} />,
  },
  {
    id: 'entity',
    header: 'Of',
    kind: 'text',
    value: (row) => `${row.entity} ${row.entity_id}`,
    isHidden: true,
  },
  { id: 'address', header: 'From', kind: 'text', value: (row) => row.address },
];

/** Who did what, from where, and what it changed. Nothing here can be altered or removed. */
export function AuditTrail() {
  const { is_admin: isAdmin } = useMe().user;
  const [action, setAction] = useState('');
  const [filter, setFilter] = useState('');
  const query = useInfiniteQuery(auditQuery({ action: action || undefined, actor: undefined }));
  return (
    <ListScreen<AuditRow>
      title="Audit trail"
      query={query}
      columns={COLUMNS}
      filter={filter}
      onFilter={setFilter}
      controls={
        <NativeSelect
          aria-label="Which acts"
          value={action}
          onChange={(event) => setAction(event.currentTarget.value)}
          data={KINDS}
        />
      }
      notice={
        <>
          <LogTabs current="Audit trail" />
          {isAdmin ? (
            <VerifyChain />
          ) : (
            <Text size="sm" c="dimmed">
              You see what you did yourself. The whole trail, and the check that nobody altered it,
              are an administrator’s.
            </Text>
          )}
        </>
      }
      empty={
        <EmptyState icon={IconHistory} title="Nothing of that kind">
          Every command of a person and every change by the desk is kept here, in order.
        </EmptyState>
      }
    >
      {(rows) => (
        <DataTable
          label="Audit trail"
          columns={COLUMNS}
          rows={rows}
          rowKey={(row) => String(row.seq)}
          card={(row) => (
            <Stack gap={4}>
              <Text size="sm" fw={600}>
                {actionWords(row.action)}
              </Text>
              <Facts row={row} />
              <Text size="xs" c="dimmed" component="div">
                {row.seq} · <Moment at={row.at} /> · {row.actor}
                {row.address !== '' && ` · ${row.address}`}
              </Text>
            </Stack>
          )}
        />
      )}
    </ListScreen>
  );
}

function Facts({ row }: { row: AuditRow }) {
  return (
    <div
      style={{ overflowWrap: 'anywhere', whiteSpace: 'normal', maxWidth: '34rem' }}
      title={`${row.entity} ${row.entity_id}`}
    >
      {factsInWords(row.before, row.after)}
    </div>
  );
}
