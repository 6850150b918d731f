import { Button, Group, Text } from '@mantine/core';
import { IconBuildingBank, IconPlus } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useMe } from '@/client/hooks';
import type { ClientRow } from '@/client/schema';
import { AccountBadge } from '@/components/AccountBadge';
import { Dialog } from '@/components/Dialog';
import { EmptyState } from '@/components/EmptyState';
import { Pages } from '@/components/Pages';
import { Section } from '@/components/Section';
import { StateTag } from '@/components/Tag';
import { TRADING_STATES } from '@/lib/states';
import { ApprovalRules } from './ApprovalRules';
import styles from './administration.module.css';
import { NewAccount } from './NewAccount';
import { NewClient, NewPortfolio, Rename } from './NewClient';
import { clientsQuery } from './queries';

/** Whose money it is: clients, their portfolios, and the accounts in each. */
export function ClientsSection() {
  const query = useInfiniteQuery(clientsQuery);
  const [isAdding, setIsAdding] = useState(false);
  const { is_admin: isAdmin } = useMe().user;
  const add = isAdmin && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setIsAdding(true)}>
      New client
    </Button>
  );
  return (
    <Section title="Clients and accounts" aside={add}>
      <Pages
        query={query}
        empty={
          <EmptyState icon={IconBuildingBank} title="No client yet" action={add}>
            {isAdmin
              ? 'A client is whose money it is. Their portfolios hold the accounts that a gateway reaches.'
              : 'No client has been opened to you. Ask an administrator of this desk for a role.'}
          </EmptyState>
        }
      >
        {(clients) => (
          <ul className={styles.things} aria-label="Clients">
            {clients.map((client) => (
              <Client key={client.id} client={client} isAdmin={isAdmin} />
            ))}
          </ul>
        )}
      </Pages>
      <Dialog isOpen={isAdding} onClose={() => setIsAdding(false)} title="New client">
        <NewClient onDone={() => setIsAdding(false)} />
      </Dialog>
    </Section>
  );
}

type Asked = 'rename' | 'portfolio' | 'account' | 'rules';

const TITLES: Record<Asked, string> = {
  rename: 'Rename the client',
  portfolio: 'New portfolio',
  account: 'New account',
  rules: 'What an approval asks for',
};

function Client({ client, isAdmin }: { client: ClientRow; isAdmin: boolean }) {
  const [asked, setAsked] = useState<Asked>();
  const close = () => setAsked(undefined);
  const button = (what: Asked, label: string) => (
    <Button
      size="xs"
      variant="default"
      aria-label={`${label} ${client.name}`}
      onClick={() => setAsked(what)}
    >
      {label}
    </Button>
  );
  return (
    <li className={styles.thing} data-row={client.id}>
      <div className={styles.words}>
        <Text component="h3" className={styles.name}>
          {client.name}{' '}
          <Text component="span" size="xs" c="dimmed">
            {client.slug}
          </Text>
        </Text>
        {client.portfolios.length === 0 && (
          <Text size="sm" c="dimmed">
            No portfolio yet. Adding an account makes one.
          </Text>
        )}
        {client.portfolios.map((portfolio) => (
          <Portfolio key={portfolio.id} portfolio={portfolio} />
        ))}
      </div>
      <Group gap="xs" className={styles.actions}>
        {isAdmin && button('account', 'Add account…')}
        {isAdmin && button('portfolio', 'Add portfolio…')}
        {isAdmin && button('rename', 'Rename…')}
        {button('rules', 'Approval rules…')}
      </Group>
      <Dialog
        isOpen={asked !== undefined}
        onClose={close}
        title={asked === undefined ? '' : `${TITLES[asked]}: ${client.name}`}
      >
        {asked === 'rename' && <Rename client={client} onDone={close} />}
        {asked === 'portfolio' && <NewPortfolio client={client} onDone={close} />}
        {asked === 'account' && <NewAccount client={client} onDone={close} />}
        {asked === 'rules' && <ApprovalRules client={client} onDone={close} />}
      </Dialog>
    </li>
  );
}

function Portfolio({ portfolio }: { portfolio: ClientRow['portfolios'][number] }) {
  return (
    <div className={styles.portfolio}>
      <Text component="h4" className={styles.portfolioName}>
        {portfolio.name}
      </Text>
      {portfolio.accounts.length === 0 && (
        <Text size="xs" c="dimmed">
          No account in it
        </Text>
      )}
      <ul className={styles.accounts} aria-label={`Accounts in ${portfolio.name}`}>
        {portfolio.accounts.map((account) => (
          <li key={account.id} className={styles.account}>
            <AccountBadge kind={account.kind} />
            <span>{account.label}</span>
            <StateTag state={account.trading_state} words={TRADING_STATES} />
            <Text component="span" size="xs" c="dimmed">
              {account.currency} · through {account.gateway}
              {account.trading_state_reason !== '' && ` · ${account.trading_state_reason}`}
            </Text>
          </li>
        ))}
      </ul>
    </div>
  );
}
