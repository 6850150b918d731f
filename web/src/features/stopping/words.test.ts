import { expect, it } from 'vitest';
import type { KillSwitchPreview } from '@/client/schema';
import { killSentence, killVerb } from './words';

const preview = (changes: Partial<KillSwitchPreview>): KillSwitchPreview => ({
  digest: 'd',
  account_id: null,
  state: 'ACTIVE',
  trades: [{} as KillSwitchPreview['trades'][number]],
  working_orders: 0,
  unsent_trades: 0,
  ...changes,
});

it('says what the kill switch will cancel before it is pressed', () => {
  const both = preview({ working_orders: 2, unsent_trades: 1 });
  expect(killSentence(both)).toBe(
    '2 orders at the broker will be cancelled and 1 approved trade will not be sent. What is filled stays.',
  );
  expect(killVerb(both)).toBe('Halt and cancel 2 orders');
});

it('says so when nothing is under way', () => {
  const nothing = preview({ trades: [] });
  expect(killSentence(nothing)).toBe(
    'No approved trade is under way: nothing has to be cancelled.',
  );
  expect(killVerb(nothing)).toBe('Halt now');
});
