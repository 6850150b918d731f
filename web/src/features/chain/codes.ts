/** Why a row of a chain may not be priced, in words. */
export const QUOTE_CODES: Readonly<Record<string, string>> = {
  NAN_INPUT: 'Spot, term or rate is not known.',
  BAD_SPOT: 'The underlying has no usable price.',
  BAD_STRIKE: 'The strike is not usable.',
  EXPIRED: 'The contract has expired.',
  STALE: 'The quote is not of this session or too old.',
  NO_ASK: 'There is no ask.',
  NO_BID: 'There is no bid: a middle would be invented.',
  CROSSED: 'The bid is above the ask.',
  BELOW_INTRINSIC: 'The middle is at or below what exercise is worth.',
  ABOVE_BOUND: 'The middle is above what any such option can be worth.',
};
