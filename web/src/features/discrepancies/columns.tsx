import type { DiscrepancyRow } from '@/client/schema';
import { AccountCell } from '@/components/AccountCell';
import { Below } from '@/components/Below';
import { momentColumn } from '@/components/columnKinds';
import type { Column } from '@/components/columns';
import { StateTag, Tag } from '@/components/Tag';
import { SEVERITIES } from '@/lib/states';
import { AcceptButton } from './AcceptButton';

export const DISCREPANCY_COLUMNS: readonly Column<DiscrepancyRow>[] = [
  {
    id: 'title',
    header: 'What differs',
    kind: 'text',
    value: (row) => row.title,
    cell: (row) => (
      <>
        <strong>{row.title}</strong>
        <Below>{row.detail || row.subject}</Below>
      </>
    ),
  },
  { id: 'type', header: 'Type', kind: 'text', value: (row) => row.type, isHidden: true },
  { id: 'subject', header: 'Subject', kind: 'text', value: (row) => row.subject, isHidden: true },
  {
    id: 'severity',
    header: 'Severity',
    kind: 'text',
    value: (row) => row.severity,
    cell: (row) => <StateTag state={row.severity} words={SEVERITIES} />,
  },
  {
    id: 'expected',
    header: 'The desk’s record',
    kind: 'text',
    value: (row) => row.expected,
    cell: (row) => <span className="numeric">{row.expected}</span>,
  },
  {
    id: 'actual',
    header: 'The broker’s books',
    kind: 'text',
    value: (row) => row.actual,
    cell: (row) => <span className="numeric">{row.actual}</span>,
  },
  momentColumn('raised', 'Raised', (row) => row.raised_at),
  {
    id: 'state',
    header: 'State',
    kind: 'text',
    value: (row) => row.cleared_at ?? 'open',
    cell: (row) =>
      row.cleared_at === null ? <AcceptButton row={row} /> : <Tag tone="neutral">CLEARED</Tag>,
  },
  {
    id: 'account',
    header: 'Account',
    kind: 'text',
    value: (row) => row.account?.label ?? null,
    cell: (row) => (row.account === null ? 'The gateway' : <AccountCell account={row.account} />),
  },
];
