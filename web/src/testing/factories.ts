/** Short makers of what the API answers; a test states only what it is about. */
import type {
  AccountBrief,
  ContractBrief,
  Desk,
  Me,
  RecommendationDetail,
  RecommendationRow,
  StrategyRow,
  StrategyRunRow,
} from '@/client/schema';

export const account: AccountBrief = {
  id: '0197a000-0000-7000-8000-000000000001',
  code: 'DU1234567',
  label: 'DU1234567 · Family trust',
  kind: 'PAPER',
};

const contract: ContractBrief = {
  symbol: 'SPY',
  trading_class: 'SPY',
  expiry: '2026-12-18',
  strike: '640',
  right: 'P',
  multiplier: '100',
  con_id: 700000001,
  description: 'SPY 18 Dec 2026 640 put',
};

const MARKET_NOW = '2026-11-20T15:30:00Z';

export function recommendationRow(changes: Partial<RecommendationRow> = {}): RecommendationRow {
  return {
    id: '0197a000-0000-7000-8000-0000000000a1',
    state: 'PROPOSED',
    action: 'OPEN',
    side: 'SELL',
    summary: 'Sell 2 SPY 18 Dec 2026 640 puts at 4.15 or better',
    symbol: 'SPY',
    contract,
    legs: [{ side: 'SELL', ratio: 1, contract }],
    trade: 'Sell 2 SPY 18 Dec 2026 640 puts',
    quantity: 2,
    limit_price: '4.15',
    floor_price: '4.02',
    credit: '830',
    terms_hash: 'sha256:seen',
    deadline: '2026-11-20T16:00:00Z',
    proposed_at: '2026-11-20T15:28:00Z',
    confidence: 0.72,
    metrics: {
      ror: 0.0065,
      ror_annualised: 0.0845,
      delta: -0.18,
      dte: 28,
      iv: 0.163,
      pop: 0.826,
      breakeven: 635.85,
      max_loss: 63585,
      spread_fraction: 0.0144,
      open_interest: 12412,
      volume: null,
    },
    margin_change: 12480.5,
    quote_quality: 'LIVE',
    account,
    client_id: '0197a000-0000-7000-8000-0000000000c1',
    strategy: {
      instance_id: '0197a000-0000-7000-8000-0000000000d1',
      name: 'SPY wheel',
      slug: 'wheel',
    },
    reason_code: null,
    reason: '',
    order_state: null,
    filled_quantity: '0',
    first_approved_at: null,
    created_at: '2026-11-20T15:28:00Z',
    ...changes,
  };
}

export function recommendation(changes: Partial<RecommendationDetail> = {}): RecommendationDetail {
  return {
    ...recommendationRow(),
    terms: {
      schema_version: 1,
      account_code: account.code,
      action: 'OPEN',
      legs: [
        {
          contract: {
            symbol: 'SPY',
            trading_class: 'SPY',
            expiry: '2026-12-18',
            strike: '640',
            right: 'P',
            multiplier: '100',
            currency: 'USD',
            con_id: 700000001,
          },
          side: 'SELL',
          ratio: 1,
        },
      ],
      quantity: 2,
      limit_price: '4.15',
      floor_price: '4.02',
      max_drift: '0.01',
      reference_underlying_price: '662.41',
      reference_bid: '4.12',
      reference_ask: '4.18',
      increments: { bands: [{ low_edge: '0', increment: '0.01' }] },
      quoted_at: '2026-11-20T15:27:00Z',
      deadline: '2026-11-20T16:00:00Z',
    },
    rationale: 'The put pays well for what it ties up.',
    advice: null,
    rule_trace: [
      {
        rule: 'Delta within range',
        value: '-0.18',
        threshold: '-0.25 to -0.10',
        passed: true,
        code: null,
      },
    ],
    controls: [],
    what_if: null,
    own_margin: null,
    assignment_cash: '128000',
    decision: null,
    needs_two_approvers: false,
    approvals: [],
    orders: [],
    timeline: [],
    workflow_id: 'recommendation-1',
    workflow_url: 'http://127.0.0.1:8233/workflow',
    predecessor_id: null,
    successor_id: null,
    superseded_by_id: null,
    may_decide: true,
    may_decide_why_not: null,
    ...changes,
  };
}

export function strategyRun(changes: Partial<StrategyRunRow> = {}): StrategyRunRow {
  return {
    id: '0197a000-0000-7000-8000-0000000000f1',
    status: 'COMPLETED',
    started_at: MARKET_NOW,
    finished_at: MARKET_NOW,
    duration_seconds: 4,
    market_at: MARKET_NOW,
    signals: 3,
    opportunities: 0,
    proposed: 0,
    superseded: 0,
    removed: [],
    no_trade_reason: 'No put pays 0.5 % of what it ties up.',
    errors: [],
    workflow_url: 'http://127.0.0.1:8233/workflow',
    ...changes,
  };
}

export function strategyRow(changes: Partial<StrategyRow> = {}): StrategyRow {
  return {
    id: '0197a000-0000-7000-8000-0000000000d1',
    name: 'SPY wheel',
    slug: 'wheel',
    strategy_name: 'Wheel',
    version: '1',
    account,
    portfolio: 'Main',
    client_id: '0197a000-0000-7000-8000-0000000000c1',
    enabled: true,
    config_version: 1,
    universe: ['SPY'],
    waiting: 0,
    last_run: strategyRun(),
    next_run_at: null,
    next_run_note: '',
    may_configure: true,
    ...changes,
  };
}

export const me: Me = {
  user: {
    id: '0197a000-0000-7000-8000-0000000000e1',
    email: 'ada@example.com',
    name: 'Ada Approver',
    is_admin: false,
  },
  clients: [
    {
      id: '0197a000-0000-7000-8000-0000000000c1',
      slug: 'hopper',
      name: 'Hopper Family',
      role: 'APPROVER',
    },
  ],
};

export function desk(changes: Partial<Desk> = {}): Desk {
  return {
    trading_state: 'ACTIVE',
    autotrade_enabled: false,
    temporal_ui_url: 'http://127.0.0.1:8233',
    market: {
      now: MARKET_NOW,
      rate: 1,
      session_open: true,
      session_close_at: '2026-11-20T21:00:00Z',
      time_zone: 'America/New_York',
      data_quality: 'LIVE',
      data_as_of: MARKET_NOW,
    },
    gateways: [],
    accounts: [],
    counts: { pending_recommendations: 1, working_orders: 0, unknown_orders: 0, open_alerts: 0 },
    ...changes,
  };
}
