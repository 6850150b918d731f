import { expect, it } from 'vitest';
import type { ChainAnswer, ChainSide } from '@/client/schema';
import { smileOf } from './smile';

const side = (iv: number | null, code: string | null = 'OK') => ({ iv, code }) as ChainSide;

it('takes each strike’s volatility from the side out of the money, and none from a faulty quote', () => {
  const chain = {
    underlying_price: 100,
    rows: [
      { strike: 90, call: side(0.5), put: side(0.24) },
      { strike: 95, call: side(0.4), put: side(0.22, 'NO_BID') },
      { strike: 105, call: side(0.18), put: side(0.6) },
      { strike: 110, call: null, put: side(0.7) },
    ],
  } as ChainAnswer;
  expect(smileOf(chain)).toEqual([
    { strike: 90, iv: 0.24 },
    { strike: 105, iv: 0.18 },
  ]);
});
