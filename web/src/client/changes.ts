/** Which reads a change in the database makes out of date. */
import type { KeyRoot } from './queries';

export interface Change {
  table: string;
}

const EVERYTHING: readonly KeyRoot[] = [
  'desk',
  'dashboard',
  'portfolio',
  'recommendations',
  'orders',
  'executions',
  'alerts',
  'stopping',
  'strategies',
  'outlook',
  'opportunities',
  'backtests',
  'chains',
  'journal',
  'setup',
];

const READERS: Readonly<Record<string, readonly KeyRoot[]>> = {
  recommendations: ['recommendations', 'desk', 'stopping'],
  decisions: ['recommendations', 'desk', 'journal', 'setup'],
  orders: ['orders', 'recommendations', 'desk', 'stopping'],
  order_events: ['orders', 'recommendations'],
  executions: ['executions', 'orders', 'recommendations', 'journal'],
  alerts: ['alerts', 'desk'],
  account_snapshots: ['desk', 'dashboard', 'portfolio', 'outlook'],
  positions: ['desk', 'dashboard', 'portfolio', 'journal'],
  broker_accounts: ['desk', 'dashboard', 'portfolio', 'recommendations', 'stopping', 'setup'],
  gateways: ['desk', 'recommendations', 'setup'],
  settings: ['desk', 'recommendations', 'stopping'],
  kill_switches: ['desk', 'stopping'],
  strategy_runs: [
    'dashboard',
    'strategies',
    'opportunities',
    'backtests',
    'outlook',
    'chains',
    'setup',
  ],
  strategy_instances: ['dashboard', 'strategies', 'setup'],
  backtests: ['backtests'],
  backtest_sweeps: ['backtests'],
};

/** The key roots that read `table`; all of them for `*` or a table this build does not know. */
export function readersOf(table: string): readonly KeyRoot[] {
  return READERS[table] ?? EVERYTHING;
}

/** The change told by one server-sent event; null if it is not one. */
export function parseChange(data: string): Change | null {
  try {
    const value: unknown = JSON.parse(data);
    if (typeof value !== 'object' || value === null || !('table' in value)) return null;
    return typeof value.table === 'string' ? { table: value.table } : null;
  } catch {
    return null;
  }
}
