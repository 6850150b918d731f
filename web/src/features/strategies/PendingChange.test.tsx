import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it } from 'vitest';
import type { StrategyDetail } from '@/client/schema';
import { problem } from '@/testing/fakeApi';
import { renderApp } from '@/testing/renderApp';

const strategy: StrategyDetail = {
  id: 's1',
  name: 'SPY wheel',
  slug: 'wheel',
  strategy_name: 'Wheel',
  version: '1',
  account: { id: 'a1', code: 'DU1', label: 'DU1', kind: 'SIMULATED' },
  portfolio: 'Main',
  client_id: 'c1',
  enabled: true,
  config_version: 3,
  universe: ['SPY'],
  waiting: 0,
  last_run: null,
  next_run_at: null,
  next_run_note: 'Runs once the market opens.',
  may_configure: true,
  config: { max_delta: 0.3 },
  config_error: null,
  config_schema: {
    properties: { max_delta: { type: 'number', title: 'Largest delta', unit: 'delta' } },
  },
  description: 'Sells puts.',
  two_people_configure: true,
  proposal: {
    id: 'p1',
    based_on: 3,
    config: { max_delta: 0.2 },
    author: 'grace@example.com',
    reason: 'a calmer month',
    proposed_at: '2026-11-20T15:00:00Z',
    is_own: false,
  },
  history: [],
};
const RUNS = { body: { items: [], next_cursor: null } };
const APPROVE = 'POST /api/strategies/s1/changes/p1/approve/';
const REJECT = 'POST /api/strategies/s1/changes/p1/reject/';

describe('a change of settings that waits', () => {
  it('shows what becomes of each setting and lets another person approve it', async () => {
    const user = userEvent.setup();
    const calls = renderApp('/strategies/s1', {
      'GET /api/strategies/s1/': { body: strategy },
      'GET /api/strategies/s1/runs/': RUNS,
      [APPROVE]: problem(412, 'CONFIG_CHANGED', 'Somebody else changed it', 'Look again.'),
    });
    const notice = within(await screen.findByRole('alert', { name: /grace@example.com proposes/ }));
    expect(notice.getByText(/a calmer month/)).toBeVisible();
    const row = within(notice.getByRole('row', { name: /Largest delta/ }));
    expect(row.getByText('0.3')).toBeVisible();
    expect(row.getByText('0.2')).toBeVisible();
    await user.click(notice.getByRole('button', { name: 'Approve the change' }));
    expect(await notice.findByText('Somebody else changed it')).toBeVisible();
    expect(calls.some((call) => call.method === 'POST')).toBe(true);
  });

  it('lets its author withdraw it and nothing more', async () => {
    const user = userEvent.setup();
    const own = { ...strategy, proposal: { ...strategy.proposal, is_own: true } };
    const calls = renderApp('/strategies/s1', {
      'GET /api/strategies/s1/': { body: own },
      'GET /api/strategies/s1/runs/': RUNS,
      [REJECT]: { body: { ...own, proposal: null } },
    });
    const notice = within(await screen.findByRole('alert', { name: /Your change waits/ }));
    expect(notice.queryByRole('button', { name: 'Approve the change' })).toBeNull();
    await user.click(notice.getByRole('button', { name: 'Withdraw the change' }));
    await waitFor(() =>
      expect(calls.find((call) => call.method === 'POST')?.body).toEqual({ reason: '' }),
    );
  });
});
