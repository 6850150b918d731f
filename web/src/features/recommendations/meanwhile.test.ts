import { expect, it } from 'vitest';
import type { DecisionAnswer } from '@/client/schema';
import { recommendation } from '@/testing/factories';
import { meanwhileWords } from './meanwhile';

const ME = 'me';
const seen = recommendation();

function decision(by_id: string, action: DecisionAnswer['action']): DecisionAnswer {
  return {
    id: 'd1',
    action,
    by: 'Bob',
    by_id,
    decided_at: '2026-11-20T15:31:00Z',
    quantity: null,
    limit_price: null,
    reason: null,
    delivered_at: null,
  };
}

it('says nothing while nothing has happened, nor of one’s own decision', () => {
  expect(meanwhileWords(seen, seen, ME)).toBeNull();
  const mine = recommendation({ state: 'APPROVED', decision: decision(ME, 'APPROVE') });
  expect(meanwhileWords(seen, mine, ME)).toBeNull();
});

it('names who decided while the form was open', () => {
  const rejected = recommendation({ state: 'REJECTED', decision: decision('bob', 'REJECT') });
  expect(meanwhileWords(seen, rejected, ME)).toMatch(/^Bob has rejected it while/);
});

it('tells that it ended without a decision', () => {
  expect(meanwhileWords(seen, recommendation({ state: 'EXPIRED' }), ME)).toMatch(
    /deadline passed without a decision. Nothing can be decided/,
  );
});

it('tells of the first of two approvals, once', () => {
  const first = {
    by: 'Bob',
    by_id: 'bob',
    approved_at: '2026-11-20T15:31:00Z',
    quantity: null,
    limit_price: null,
  };
  const waiting = recommendation({ approvals: [first] });
  expect(meanwhileWords(seen, waiting, ME)).toMatch(/yours would be the second/);
  expect(meanwhileWords(waiting, waiting, ME)).toBeNull();
});
