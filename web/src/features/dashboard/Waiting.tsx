import { Anchor } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, type LinkProps } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useChosenClient } from '@/client/hooks';
import { alertsQuery, ordersQuery, recommendationsQuery } from '@/client/queries';
import { Countdown } from '@/components/Countdown';
import { Failure } from '@/components/Failure';
import { Quantity, SignedMoney } from '@/components/Figures';
import { Moment } from '@/components/Moment';
import { type PagedQuery, rowsOf } from '@/components/pages';
import rowLink from '@/components/RowLink.module.css';
import { Section } from '@/components/Section';
import { StateTag } from '@/components/Tag';
import { ORDER_STATES, SEVERITIES } from '@/lib/states';
import styles from './dashboard.module.css';

const SHOWN = 5;

/** The open recommendations, the next deadline first. */
export function ToDecide() {
  const client = useChosenClient();
  const query = useInfiniteQuery(
    recommendationsQuery({ client: client?.id, account: undefined, state: ['PROPOSED'] }),
  );
  return (
    <Waiting
      title="To decide"
      query={query}
      to="/recommendations"
      nothing="Nothing waits for a decision."
    >
      {(row) => (
        <li key={row.id}>
          <span>
            <Link to="/recommendations/$id" params={{ id: row.id }} className={rowLink.link}>
              {row.trade}
            </Link>
            <div className={styles.small}>
              {row.strategy.name} · {row.account.label}
            </div>
          </span>
          <span className={styles.side}>
            <Countdown deadline={row.deadline} />
            <div>
              <SignedMoney value={row.credit} />
            </div>
          </span>
        </li>
      )}
    </Waiting>
  );
}

/** What is at the broker now, and what is in doubt. */
export function WorkingOrders() {
  const client = useChosenClient();
  const query = useInfiniteQuery(
    ordersQuery({
      client: client?.id,
      account: undefined,
      state: ['UNKNOWN', 'QUARANTINE', 'SENDING', 'WORKING', 'PARTIAL', 'CANCEL_PENDING'],
    }),
  );
  return (
    <Waiting title="Working orders" query={query} to="/orders" nothing="No order is at the broker.">
      {(order) => (
        <li key={order.id}>
          <span>
            <Link to="/orders/$id" params={{ id: order.id }} className={rowLink.link}>
              {order.trade}
            </Link>
            <div className={styles.small}>{order.account.label}</div>
          </span>
          <span className={styles.side}>
            <StateTag state={order.state} words={ORDER_STATES} />
            <div className={styles.small}>
              <Quantity value={order.filled_quantity} /> of <Quantity value={order.quantity} />{' '}
              filled
            </div>
          </span>
        </li>
      )}
    </Waiting>
  );
}

export function OpenAlerts() {
  const client = useChosenClient();
  const query = useInfiniteQuery(
    alertsQuery({ client: client?.id, account: undefined, state: ['OPEN'] }),
  );
  return (
    <Waiting
      title="Unacknowledged alerts"
      query={query}
      to="/alerts"
      nothing="Every alert has been seen by somebody."
    >
      {(alert) => (
        <li key={alert.id}>
          <span>
            {alert.title}
            <div className={styles.small}>
              <Moment at={alert.raised_at} />
            </div>
          </span>
          <StateTag state={alert.severity} words={SEVERITIES} />
        </li>
      )}
    </Waiting>
  );
}

interface WaitingProps<Row> {
  title: string;
  query: PagedQuery<Row>;
  to: NonNullable<LinkProps['to']>;
  nothing: string;
  children: (row: Row) => ReactNode;
}

/** The first few of a list, and the way to all of it. */
function Waiting<Row>({ title, query, to, nothing, children }: WaitingProps<Row>) {
  const rows = rowsOf(query);
  const more = rows.length - SHOWN;
  const isMore = query.hasNextPage;
  return (
    <Section
      title={title}
      aside={
        <Anchor component={Link} to={to} size="sm">
          {more > 0 ? `All ${rows.length}${isMore ? '+' : ''}` : 'See all'}
          <span className={styles.hidden}> {title.toLowerCase()}</span>
        </Anchor>
      }
    >
      {query.isPending && <p className={styles.nothing}>Loading…</p>}
      <Failure query={query} />
      {query.isSuccess && rows.length === 0 && <p className={styles.nothing}>{nothing}</p>}
      {rows.length > 0 && <ul className={styles.rows}>{rows.slice(0, SHOWN).map(children)}</ul>}
    </Section>
  );
}
