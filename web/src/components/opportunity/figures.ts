import type { FoundOpportunity } from '@/client/schema';
import type { Column } from '@/components/columns';
import { formatPrice } from '@/lib/decimal';
import {
  formatCount,
  formatDelta,
  formatPercent,
  formatPercentOne,
  formatRoughPercent,
  NOT_KNOWN,
} from '@/lib/numbers';

const VERBS = {
  OPEN: { SELL: 'Sell', BUY: 'Buy' },
  CLOSE: { SELL: 'Sell to close', BUY: 'Buy to close' },
  ROLL: { SELL: 'Roll to', BUY: 'Roll to' },
} as const;

export function verbOf({ action, side }: FoundOpportunity): string {
  return VERBS[action][side];
}

/** The long put of a spread, after the words for the option that is sold. */
export function wingOf({ figures }: FoundOpportunity): string {
  return figures.wing_strike === null ? '' : ` with the ${figures.wing_strike}`;
}

function price(value: string | null): string {
  return value === null ? NOT_KNOWN : formatPrice(value);
}

/** The figures of an opportunity, each with its meaning on hover. */
export const FIGURE_COLUMNS: readonly Column<FoundOpportunity>[] = [
  {
    id: 'dte',
    header: 'DTE',
    hint: 'Calendar days to expiry',
    kind: 'number',
    value: ({ figures }) => figures.dte,
  },
  {
    id: 'delta',
    header: 'Delta',
    hint: 'The holder’s',
    kind: 'number',
    value: ({ figures }) => figures.delta,
    cell: ({ figures }) => formatDelta(figures.delta),
  },
  {
    id: 'bid',
    header: 'Bid',
    hint: 'Per share',
    kind: 'decimal',
    value: ({ figures }) => figures.bid,
    cell: ({ figures }) => price(figures.bid),
  },
  {
    id: 'ask',
    header: 'Ask',
    hint: 'Per share',
    kind: 'decimal',
    value: ({ figures }) => figures.ask,
    cell: ({ figures }) => price(figures.ask),
  },
  {
    id: 'spread',
    header: 'Spread',
    hint: 'Ask less bid, of mid; of a spread, of its short put’s mid',
    kind: 'number',
    value: ({ figures }) => figures.spread_fraction,
    cell: ({ figures }) => formatPercentOne(figures.spread_fraction),
  },
  {
    id: 'ror',
    header: 'ROR',
    hint: 'Return on risk: mid credit over collateral',
    kind: 'number',
    value: ({ figures }) => figures.ror,
    cell: ({ figures }) => formatPercent(figures.ror),
  },
  {
    id: 'annualised',
    header: 'A year',
    hint: 'Return on risk, annualised without compounding',
    kind: 'number',
    value: ({ figures }) => figures.ror_annualised,
    cell: ({ figures }) => formatPercentOne(figures.ror_annualised),
  },
  {
    id: 'iv',
    header: 'IV',
    hint: 'Implied volatility, a year',
    kind: 'number',
    value: ({ figures }) => figures.iv,
    cell: ({ figures }) => formatPercentOne(figures.iv),
  },
  {
    id: 'iv_rank',
    header: 'IV rank',
    hint: 'Where the underlying’s volatility lies in its range of a year',
    kind: 'number',
    value: ({ figures }) => figures.iv_rank,
    cell: ({ figures }) => formatRoughPercent(figures.iv_rank),
  },
  {
    id: 'pop',
    header: 'POP',
    hint: 'Estimated probability of profit',
    kind: 'number',
    value: ({ figures }) => figures.pop,
    cell: ({ figures }) => formatRoughPercent(figures.pop),
  },
  {
    id: 'open_interest',
    header: 'OI',
    hint: 'Open interest, contracts',
    kind: 'number',
    value: ({ figures }) => figures.open_interest,
    cell: ({ figures }) => formatCount(figures.open_interest),
  },
  {
    id: 'volume',
    header: 'Volume',
    hint: 'Contracts today',
    kind: 'number',
    value: ({ figures }) => figures.volume,
    isHidden: true,
  },
  {
    id: 'breakeven',
    header: 'Breakeven',
    kind: 'decimal',
    value: ({ figures }) => figures.breakeven,
    isHidden: true,
  },
  {
    id: 'max_loss',
    header: 'Max loss',
    kind: 'decimal',
    value: ({ figures }) => figures.max_loss,
    isHidden: true,
  },
  {
    id: 'collateral',
    header: 'Collateral',
    kind: 'decimal',
    value: ({ figures }) => figures.collateral,
    isHidden: true,
  },
  {
    id: 'underlying',
    header: 'Underlying',
    kind: 'decimal',
    value: ({ figures }) => figures.underlying_price,
    isHidden: true,
  },
  {
    id: 'score',
    header: 'Score',
    hint: 'What the strategy ranks by, among trades of one kind',
    kind: 'number',
    value: (row) => row.score,
    cell: (row) => row.score.toFixed(3),
  },
];
