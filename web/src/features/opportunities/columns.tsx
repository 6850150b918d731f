import { Link } from '@tanstack/react-router';
import type { OpportunityRow } from '@/client/schema';
import { Below } from '@/components/Below';
import type { Column } from '@/components/columns';
import { FIGURE_COLUMNS, verbOf, wingOf } from '@/components/opportunity/figures';
import rowLink from '@/components/RowLink.module.css';
import { StateTag } from '@/components/Tag';
import { RECOMMENDATION_STATES } from '@/lib/states';

/** The contract, leading to what was offered of it. */
export function OpportunityLink({ row }: { row: OpportunityRow }) {
  const { description } = row.contract;
  if (row.recommendation_id === null) return <span>{description}</span>;
  return (
    <Link to="/recommendations/$id" params={{ id: row.recommendation_id }} className={rowLink.link}>
      {description}
    </Link>
  );
}

/** What became of it: the state of its recommendation, or why there is none. */
export function Verdict({ row }: { row: OpportunityRow }) {
  if (row.recommendation_state !== null) {
    return <StateTag state={row.recommendation_state} words={RECOMMENDATION_STATES} />;
  }
  return <Below>{row.why_not || 'Not recommended'}</Below>;
}

export const OPPORTUNITY_COLUMNS: readonly Column<OpportunityRow>[] = [
  {
    id: 'rank',
    header: '#',
    hint: 'Rank within its run',
    kind: 'number',
    value: (row) => row.rank,
  },
  {
    id: 'contract',
    header: 'Contract',
    kind: 'text',
    value: (row) => `${verbOf(row)} ${row.contract.description}${wingOf(row)}`,
    cell: (row) => (
      <>
        {verbOf(row)} <OpportunityLink row={row} />
        {wingOf(row)}
        <Below>
          {row.strategy.name} · {row.account.label}
        </Below>
      </>
    ),
  },
  ...FIGURE_COLUMNS,
  {
    id: 'verdict',
    header: 'What became of it',
    kind: 'text',
    wraps: true,
    value: (row) => row.recommendation_state ?? row.why_not,
    cell: (row) => <Verdict row={row} />,
  },
  {
    id: 'strategy',
    header: 'Strategy',
    kind: 'text',
    value: (row) => row.strategy.name,
    isHidden: true,
  },
  {
    id: 'account',
    header: 'Account',
    kind: 'text',
    value: (row) => `${row.account.label} ${row.account.kind}`,
    isHidden: true,
  },
];
