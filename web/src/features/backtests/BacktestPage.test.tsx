import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import type { BacktestDetail } from '@/client/schema';
import { me } from '@/testing/factories';
import { renderApp } from '@/testing/renderApp';

const ID = '0197a000-0000-7000-8000-0000000000b1';

function backtest(changes: Partial<BacktestDetail>): BacktestDetail {
  return {
    id: ID,
    name: 'Theta on spx',
    strategy: 'theta',
    status: 'RUNNING',
    author: 'ada@example.com',
    source: 'DESK',
    client_id: me.clients[0]?.id ?? null,
    client_slug: 'hopper',
    sweep_id: null,
    position: null,
    workflow_id: 'backtest-1',
    workflow_url: 'http://127.0.0.1:8233/workflow',
    started_at: '2026-11-20T15:00:00Z',
    finished_at: null,
    progress: { done: 25, of: 100, session: '2019-05-07' },
    stats: {},
    errors: [],
    data_label: '',
    data_digest: '',
    result_digest: '',
    request: { strategy: 'theta', data: ['spx'], cash: '100000', config: { max_delta: 0.2 } },
    may_cancel: true,
    ...changes,
  };
}

it('tells how far a running backtest is, and cancels it only after asking', async () => {
  const calls = renderApp(`/backtests/${ID}`, {
    [`GET /api/backtests/${ID}/`]: { body: backtest({}) },
    [`POST /api/backtests/${ID}/cancel/`]: { body: backtest({}) },
  });
  expect(await screen.findByRole('heading', { name: 'Theta on spx', level: 1 })).toBeVisible();
  expect(screen.getByRole('progressbar')).toHaveAttribute('value', '25');
  expect(screen.getByText(/25 of 100 moments, at 7 May 2019/)).toBeVisible();
  await userEvent.click(screen.getByRole('button', { name: 'Cancel backtest…' }));
  expect(calls.some((call) => call.method === 'POST')).toBe(false);
  await userEvent.click(await screen.findByRole('button', { name: 'Confirm cancel' }));
  expect(calls.filter((call) => call.method === 'POST')).toHaveLength(1);
});

it('says why one failed, and offers no cancel to those who may not', async () => {
  renderApp(`/backtests/${ID}`, {
    [`GET /api/backtests/${ID}/`]: {
      body: backtest({
        status: 'FAILED',
        progress: null,
        errors: ['spx.csv, line 4, column bid: not a number'],
        may_cancel: false,
      }),
    },
  });
  expect(await screen.findByText('It failed')).toBeVisible();
  expect(screen.getByText('spx.csv, line 4, column bid: not a number')).toBeVisible();
  expect(screen.queryByRole('button', { name: /Cancel/ })).toBeNull();
  // What was asked for is there to be judged and asked again.
  expect(screen.getByText('Max delta')).toBeVisible();
});

it('explains an empty list, and offers to start the first', async () => {
  renderApp('/backtests', {
    'GET /api/backtests/': { body: { items: [], next_cursor: null } },
    'GET /api/strategies/kinds/': { body: [] },
  });
  expect(await screen.findByText('No backtest has been run')).toBeVisible();
  expect(screen.getAllByRole('button', { name: 'New backtest' })).toHaveLength(2);
});

it('says in words when a backtest cannot be found', async () => {
  renderApp(`/backtests/${ID}`, {});
  expect(await screen.findByText('Not found')).toBeVisible();
  expect(screen.getByRole('button', { name: 'Try again' })).toBeVisible();
});
