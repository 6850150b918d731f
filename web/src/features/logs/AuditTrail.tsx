import { NativeSelect, Stack, Text } from '@mantine/core';
import { IconHistory } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useMe } from '@/client/hooks';
import type { AuditRow } from '@/client/schema';
import { momentColumn } from '@/components/columnKinds';
import type { Column } from '@/components/columns';
import { EmptyState } from '@/components/EmptyState';
import { LogTabs } from '@/components/LogTabs';
import { Moment } from '@/components/Moment';
import { TableScreen } from '@/components/TableScreen';
import { actionWords, factsInWords } from './auditWords';
import styles from './logs.module.css';
import { auditQuery } from './queries';
import { ACTS, type Act, ALL_ACTS } from './search';
import { VerifyChain } from './VerifyChain';

const route = getRouteApi('/desk/logs/$log');

const COLUMNS: readonly Column<AuditRow>[] = [
  {
    id: 'seq',
    header: 'No.',
    hint: 'Its place in the chain',
    kind: 'number',
    value: (row) => row.seq,
  },
  momentColumn('at', 'When', (row) => row.at),
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
  const { act } = route.useSearch();
  const navigate = route.useNavigate();
  const query = useInfiniteQuery(auditQuery({ action: act, actor: undefined }));
  return (
    <TableScreen<AuditRow>
      title="Audit trail"
      name="audit-trail"
      query={query}
      columns={COLUMNS}
      controls={
        <NativeSelect
          aria-label="Which acts"
          value={act ?? ''}
          onChange={(event) => {
            const chosen = (event.currentTarget.value || undefined) as Act | undefined;
            void navigate({ search: (before) => ({ ...before, act: chosen }), replace: true });
          }}
          data={[
            { value: '', label: 'Everything' },
            ...ALL_ACTS.map((each) => ({ value: each, label: ACTS[each] })),
          ]}
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
  );
}

function Facts({ row }: { row: AuditRow }) {
  return (
    <div className={styles.facts} title={`${row.entity} ${row.entity_id}`}>
      {factsInWords(row.before, row.after)}
    </div>
  );
}
