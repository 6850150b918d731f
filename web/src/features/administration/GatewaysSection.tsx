import { Button, Group, Text } from '@mantine/core';
import { IconPlugConnected, IconPlus } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useMe } from '@/client/hooks';
import type { GatewayRow } from '@/client/schema';
import { AccountBadge } from '@/components/AccountBadge';
import { Dialog } from '@/components/Dialog';
import { EmptyState } from '@/components/EmptyState';
import { Moment } from '@/components/Moment';
import { Pages } from '@/components/Pages';
import { Section } from '@/components/Section';
import { StateTag } from '@/components/Tag';
import { CONNECTIONS } from '@/lib/states';
import styles from './administration.module.css';
import { GatewayForm } from './GatewayForm';
import { gatewaysQuery } from './queries';

/** The IB Gateways that the desk trades through, and how each is connected. */
export function GatewaysSection() {
  const query = useInfiniteQuery(gatewaysQuery);
  const [isAdding, setIsAdding] = useState(false);
  const { is_admin: isAdmin } = useMe().user;
  const add = isAdmin && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setIsAdding(true)}>
      New gateway
    </Button>
  );
  return (
    <Section title="Gateways" aside={add}>
      <Pages
        query={query}
        empty={
          <EmptyState icon={IconPlugConnected} title="No gateway is set up" action={add}>
            A gateway is an IB Gateway or TWS that is logged in at the broker, or the simulated one
            that comes with the desk.
          </EmptyState>
        }
      >
        {(gateways) => (
          <ul className={styles.things} aria-label="Gateways">
            {gateways.map((gateway) => (
              <Gateway key={gateway.slug} gateway={gateway} isAdmin={isAdmin} />
            ))}
          </ul>
        )}
      </Pages>
      <Dialog isOpen={isAdding} onClose={() => setIsAdding(false)} title="New gateway">
        <GatewayForm onDone={() => setIsAdding(false)} />
      </Dialog>
    </Section>
  );
}

function Gateway({ gateway, isAdmin }: { gateway: GatewayRow; isAdmin: boolean }) {
  const [isEditing, setIsEditing] = useState(false);
  const unknown = gateway.unknown_accounts;
  return (
    <li className={styles.thing} data-row={gateway.slug}>
      <div className={styles.words}>
        <Group gap="xs">
          <AccountBadge kind={gateway.kind} />
          <Text component="h3" className={styles.name}>
            {gateway.name}
          </Text>
          <StateTag state={gateway.connection} words={CONNECTIONS} />
        </Group>
        {gateway.connection_detail !== '' && <Text size="sm">{gateway.connection_detail}</Text>}
        {gateway.connection === 'DISCONNECTED' && (
          <Text size="sm">
            Is its broker worker running? Start it with{' '}
            <code className={styles.command}>
              greenlight worker broker --gateway {gateway.slug}
            </code>
          </Text>
        )}
        <Text size="xs" c="dimmed" component="div" className={styles.breakable}>
          {gateway.slug} · {gateway.host}:{gateway.port}, client {gateway.client_id} ·{' '}
          {gateway.accounts} {gateway.accounts === 1 ? 'account' : 'accounts'}
          {gateway.lease_owner !== null && ` · held by ${gateway.lease_owner}`}
          {gateway.market_at !== null && (
            <>
              {' '}
              · its clock read <Moment at={gateway.market_at} clock="market" />
            </>
          )}
        </Text>
        {unknown.length > 0 && (
          <Text size="sm" fw={600}>
            The login also serves {unknown.join(', ')}, not set up here and never traded. Add{' '}
            {unknown.length === 1 ? 'it' : 'them'} under “Clients & accounts”.
          </Text>
        )}
      </div>
      {isAdmin && (
        <Group gap="xs" className={styles.actions}>
          <Button
            size="xs"
            variant="default"
            aria-label={`Change ${gateway.name}`}
            onClick={() => setIsEditing(true)}
          >
            Change…
          </Button>
        </Group>
      )}
      <Dialog
        isOpen={isEditing}
        onClose={() => setIsEditing(false)}
        title={`Change ${gateway.name}`}
      >
        <GatewayForm gateway={gateway} onDone={() => setIsEditing(false)} />
      </Dialog>
    </li>
  );
}
