import { Text } from '@mantine/core';
import type { FoundOpportunity } from '@/client/schema';
import type { Column } from '@/components/columns';
import { DataTable } from '@/components/DataTable';
import { Tag } from '@/components/Tag';
import { FIGURE_COLUMNS, verbOf, wingOf } from './figures';
import { OpportunityCard } from './OpportunityCard';

const COLUMNS: readonly Column<FoundOpportunity>[] = [
  { id: 'rank', header: '#', kind: 'number', value: (row) => row.rank },
  {
    id: 'contract',
    header: 'Contract',
    kind: 'text',
    value: (row) => row.contract.description + wingOf(row),
    cell: (row) => (
      <>
        {verbOf(row)} {row.contract.description}
        {wingOf(row)}
        {row.recommended ? (
          <>
            {' '}
            <Tag tone="ok">WOULD RECOMMEND</Tag>
          </>
        ) : (
          <Text size="xs" c="dimmed">
            {row.why_not}
          </Text>
        )}
      </>
    ),
  },
  ...FIGURE_COLUMNS,
];

/** Contracts that a look at the market found, before anything is made of them. */
export function FoundTable({ found }: { found: FoundOpportunity[] }) {
  return (
    <DataTable
      label="What it would find"
      columns={COLUMNS}
      rows={found}
      rowKey={(row) => `${row.action}${row.rank}`}
      card={(row) => <OpportunityCard found={row} title={row.contract.description} />}
    />
  );
}
