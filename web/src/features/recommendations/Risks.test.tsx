import { MantineProvider } from '@mantine/core';
import { render, screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import type { OutlookAnswer, RecommendationDetail } from '@/client/schema';
import { recommendation } from '@/testing/factories';
import { drawnWords } from './PayOffChart';
import { Risks } from './Risks';

const answer = {
  outlook: {
    pay_off: null,
    stress: [{ spot_move: -0.1, before: -17100, after: -20595 }],
    left_out: [],
    cash: '200000',
    short_put_cash_before: '0',
    short_put_cash_after: '128000',
  },
  why_no_outlook: null,
} as unknown as OutlookAnswer;

const shown = (changes: Partial<RecommendationDetail>) =>
  render(
    <MantineProvider>
      <Risks detail={recommendation(changes)} answer={answer} />
    </MantineProvider>,
  );

it('sets the account before and after beside each other while it is offered', () => {
  shown({});
  const row = screen.getByRole('row', { name: /−10%/ });
  expect(row).toHaveTextContent('−17,100−20,595−3,495');
  expect(screen.getByText(/the account, in USD/)).toBeVisible();
});

it('tells nothing before and after once it is decided: the account may hold it already', () => {
  shown({ state: 'COMPLETED' });
  expect(screen.queryByText(/the account, in USD/)).toBeNull();
  expect(screen.getByText('If it is assigned')).toBeVisible();
});

it('says what a pay-off counts in beside the trade', () => {
  const payOff = { premium: 2.775, shares: 100, share_cost: 256.505 } as never;
  expect(drawnWords(payOff, 'AAPL')).toBe(
    'The new option alone, sold at 2.775; what the old one earned or lost is settled by the roll. ' +
      'With the 100 AAPL it is written on, at the 256.505 each that they have cost.',
  );
  const plain = { premium: null, shares: 0, share_cost: null } as never;
  expect(drawnWords(plain, 'AAPL')).toBeNull();
});
