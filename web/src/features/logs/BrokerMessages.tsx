import { Group, Stack, Text } from '@mantine/core';
import { IconMessage } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { BrokerMessageRow } from '@/client/schema';
import { AccountCell } from '@/components/AccountCell';
import { momentColumn } from '@/components/columnKinds';
import type { Column } from '@/components/columns';
import { EmptyState } from '@/components/EmptyState';
import { LogTabs } from '@/components/LogTabs';
import { Moment } from '@/components/Moment';
import rowLink from '@/components/RowLink.module.css';
import { TableScreen } from '@/components/TableScreen';
import { Tag } from '@/components/Tag';
import styles from './logs.module.css';
import { brokerMessagesQuery } from './queries';

const COLUMNS: readonly Column<BrokerMessageRow>[] = [
  momentColumn('at', 'Arrived', (row) => row.at),
  {
    id: 'message',
    header: 'What the broker said',
    kind: 'text',
    value: (row) => row.message,
    cell: (row) => <Message row={row} />,
  },
  {
    id: 'code',
    header: 'Its number',
    hint: 'The broker’s own number for the message',
    kind: 'number',
    value: (row) => row.code,
  },
  {
    id: 'about',
    header: 'About',
    kind: 'text',
    value: (row) => row.symbol ?? '',
    cell: (row) => <About row={row} />,
  },
  { id: 'gateway', header: 'Gateway', kind: 'text', value: (row) => row.gateway },
  {
    id: 'account',
    header: 'Account',
    kind: 'text',
    value: (row) => row.account?.code ?? '',
    cell: (row) => (row.account === null ? '–' : <AccountCell account={row.account} />),
  },
];

/** What the broker said in words, of orders and of the connection. */
export function BrokerMessages({ client }: { client: string | undefined }) {
  const query = useInfiniteQuery(brokerMessagesQuery(client));
  return (
    <TableScreen<BrokerMessageRow>
      title="Broker messages"
      name="broker-messages"
      query={query}
      columns={COLUMNS}
      notice={<LogTabs current="Broker messages" />}
      empty={
        <EmptyState icon={IconMessage} title="The broker said nothing">
          Errors and warnings that the broker sends about orders appear here, word for word. What
          belongs to no order of ours is shown to those who operate the desk.
        </EmptyState>
      }
      rowKey={(row) => row.id}
      card={(row) => (
        <Stack gap={6}>
          <Message row={row} />
          <Group gap="xs">
            <About row={row} />
            {row.account !== null && <AccountCell account={row.account} />}
          </Group>
          <Text size="xs" c="dimmed" component="div">
            <Moment at={row.at} /> · {row.gateway}
            {row.code !== null && ` · ${row.code}`}
          </Text>
        </Stack>
      )}
      isAlarming={(row) => row.refused}
    />
  );
}

function Message({ row }: { row: BrokerMessageRow }) {
  return (
    <div className={styles.words}>
      {row.message}
      {row.refused && (
        <>
          {' '}
          <Tag tone="danger">COULD NOT BE RECORDED</Tag>
        </>
      )}
    </div>
  );
}

function About({ row }: { row: BrokerMessageRow }) {
  if (row.order_id === null) return <>No order of ours</>;
  return (
    <Link to="/orders/$id" params={{ id: row.order_id }} className={rowLink.other}>
      {row.symbol ?? 'Order'}
    </Link>
  );
}
