import { Box, VisuallyHidden } from '@mantine/core';
import {
  IconCheck,
  IconPlugConnected,
  IconPlugConnectedX,
  IconShieldCheck,
} from '@tabler/icons-react';
import { useDesk, useStreamState } from '@/client/hooks';
import type { Desk, DeskAccount, GatewayKind } from '@/client/schema';
import { AccountBadge, KIND_MEANINGS } from '@/components/AccountBadge';
import { Hint } from '@/components/Hint';
import { Tag } from '@/components/Tag';
import {
  CONNECTIONS,
  QUOTE_QUALITIES,
  type StateWords,
  type Tone,
  TRADING_STATES,
} from '@/lib/states';
import styles from './StatusStrip.module.css';
import { StopButton } from './StopButton';

const KINDS: readonly GatewayKind[] = ['LIVE', 'PAPER', 'SIMULATED'];

/** Which money, which broker connection, which trading state, and whether the page keeps up. */
export function StatusStrip() {
  const desk = useDesk();
  return (
    <Box className={styles.strip} role="group" aria-label="Desk status">
      {desk !== undefined && (
        <>
          {KINDS.map((kind) => (
            <Accounts
              key={kind}
              kind={kind}
              accounts={desk.accounts.filter((account) => account.kind === kind)}
            />
          ))}
          <Broker gateways={desk.gateways} />
          <Quality desk={desk} />
          <Trading desk={desk} />
          <StopButton />
        </>
      )}
      <Live />
    </Box>
  );
}

function Accounts({ kind, accounts }: { kind: GatewayKind; accounts: DeskAccount[] }) {
  if (accounts.length === 0) return null;
  const names = accounts.map((account) => account.label).join(', ');
  return (
    <Hint label={`${KIND_MEANINGS[kind]}: ${names}`}>
      <AccountBadge kind={kind} />
    </Hint>
  );
}

const SEVERITY: readonly Desk['gateways'][number]['connection'][] = [
  'DISCONNECTED',
  'SYNCING',
  'CONNECTED',
];

function Broker({ gateways }: { gateways: Desk['gateways'] }) {
  const worst = SEVERITY.find((state) => gateways.some((each) => each.connection === state));
  const { tone, meaning } = worst === undefined ? NO_GATEWAY : CONNECTIONS[worst];
  const details = gateways.map(
    (each) => `${each.name}: ${each.connection_detail || each.connection}`,
  );
  const Picture = worst === 'CONNECTED' ? IconPlugConnected : IconPlugConnectedX;
  return (
    <Hint label={[meaning, ...details].join(' · ')}>
      <Tag tone={tone} icon={<Picture size={14} aria-hidden />}>
        <span className={styles.word}>Broker </span>
        {worst === undefined ? 'none' : worst.toLowerCase()}
      </Tag>
    </Hint>
  );
}

const NO_GATEWAY: { tone: Tone; meaning: string } = {
  tone: 'warn',
  meaning: 'No gateway is configured for these accounts.',
};

const STALE_AFTER_MS = 15 * 60_000;

/** How good the prices are that strategies and controls see. */
function Quality({ desk: { market } }: { desk: Desk }) {
  if (market.data_quality === null || market.data_as_of === null) {
    return (
      <Hint label="No underlying has been quoted yet. Nothing is traded before that.">
        <Tag tone="neutral">Data none yet</Tag>
      </Hint>
    );
  }
  const age = Date.parse(market.now ?? market.data_as_of) - Date.parse(market.data_as_of);
  const isStale = market.session_open && age > STALE_AFTER_MS;
  const { tone, meaning } = isStale ? STALE_DATA : QUOTE_QUALITIES[market.data_quality];
  return (
    <Hint label={meaning}>
      <Tag tone={tone}>Data {isStale ? 'stale' : market.data_quality.toLowerCase()}</Tag>
    </Hint>
  );
}

const STALE_DATA = {
  tone: 'warn',
  meaning: 'No underlying was quoted in the last quarter of an hour. Nothing is traded on that.',
} as const satisfies StateWords;

function Trading({ desk }: { desk: Desk }) {
  const { tone, meaning } = TRADING_STATES[desk.trading_state];
  const held = desk.accounts.filter((account) => account.trading_state !== 'ACTIVE');
  const exceptions = held.map((account) => `${account.code} is ${account.trading_state}`);
  const isMixed = desk.trading_state === 'ACTIVE' && held.length > 0;
  return (
    <Hint label={[meaning, ...exceptions].join(' · ')}>
      <Tag tone={isMixed ? 'warn' : tone} icon={<IconShieldCheck size={14} aria-hidden />}>
        <span className={styles.word}>Trading </span>
        {desk.trading_state}
        {isMixed && `, ${held.length} held`}
      </Tag>
    </Hint>
  );
}

const STREAM_WORDS: Record<string, { tone: Tone; word: string; meaning: string }> = {
  live: { tone: 'ok', word: 'Up to date', meaning: 'Changes appear as they happen.' },
  connecting: { tone: 'neutral', word: 'Connecting', meaning: 'Opening the live connection.' },
  lost: { tone: 'danger', word: 'Stale', meaning: 'The live connection is lost.' },
};

function Live() {
  const words = STREAM_WORDS[useStreamState().status];
  if (words === undefined) return null;
  const isLive = words.tone === 'ok';
  return (
    <Hint label={isLive ? `${words.word}: ${words.meaning}` : words.meaning}>
      <Tag tone={words.tone} icon={isLive && <IconCheck size={14} stroke={2.4} aria-hidden />}>
        {isLive ? <VisuallyHidden>{words.word}</VisuallyHidden> : words.word}
      </Tag>
    </Hint>
  );
}
