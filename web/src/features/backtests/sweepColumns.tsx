import { Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { SweepSummary } from '@/client/schema';
import { Below } from '@/components/Below';
import type { Column } from '@/components/columns';
import { Moment } from '@/components/Moment';
import rowLink from '@/components/RowLink.module.css';
import { StateTag } from '@/components/Tag';
import { RUN_STATES } from '@/lib/states';
import { Bar } from './Progress';
import { SOURCE_WORDS } from './words';

function SweepLink({ sweep }: { sweep: SweepSummary }) {
  return (
    <Link to="/backtests/sweeps/$id" params={{ id: sweep.id }} className={rowLink.link}>
      {sweep.name}
    </Link>
  );
}

/** `12 of 64 done, 2 failed`. */
export function doneWords({ completed, failed, total }: SweepSummary): string {
  return `${completed} of ${total} done${failed > 0 ? `, ${failed} failed` : ''}`;
}

export function SweepCard({ sweep }: { sweep: SweepSummary }) {
  return (
    <Stack gap={6}>
      <SweepLink sweep={sweep} />
      <div>
        <StateTag state={sweep.status} words={RUN_STATES} />
      </div>
      <Text size="sm">{doneWords(sweep)}</Text>
    </Stack>
  );
}

export const SWEEP_COLUMNS: readonly Column<SweepSummary>[] = [
  {
    id: 'name',
    header: 'Sweep',
    kind: 'text',
    wraps: true,
    value: (sweep) => sweep.name,
    cell: (sweep) => <SweepLink sweep={sweep} />,
  },
  { id: 'strategy', header: 'Strategy', kind: 'text', value: (sweep) => sweep.strategy },
  {
    id: 'status',
    header: 'Status',
    kind: 'text',
    value: (sweep) => sweep.status,
    cell: (sweep) => <StateTag state={sweep.status} words={RUN_STATES} />,
  },
  {
    id: 'done',
    header: 'Done',
    kind: 'number',
    value: (sweep) => sweep.completed / sweep.total,
    cell: (sweep) => (
      <>
        {doneWords(sweep)}
        <Bar
          label={`Progress of ${sweep.name}`}
          value={sweep.completed + sweep.failed}
          max={sweep.total}
        />
      </>
    ),
  },
  {
    id: 'started',
    header: 'Started',
    kind: 'text',
    value: (sweep) => sweep.started_at,
    cell: (sweep) => (
      <>
        <Moment at={sweep.started_at} />
        <Below>
          {SOURCE_WORDS[sweep.source]} · {sweep.author}
        </Below>
      </>
    ),
  },
];
