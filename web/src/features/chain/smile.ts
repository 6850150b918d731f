import type { ChainAnswer } from '@/client/schema';

export interface SmilePoint {
  strike: number;
  iv: number;
}

/** Volatility by strike from what is out of the money, where quotes are the soundest. */
export function smileOf({ rows, underlying_price }: ChainAnswer): SmilePoint[] {
  return rows.flatMap(({ strike, call, put }) => {
    const side = strike < underlying_price ? put : call;
    const isSound = side !== null && (side.code === null || side.code === 'OK');
    return isSound && side.iv !== null ? [{ strike, iv: side.iv }] : [];
  });
}
