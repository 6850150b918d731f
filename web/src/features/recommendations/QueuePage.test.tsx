import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import {
  desk,
  recommendation,
  recommendationRow,
  strategyRow,
  strategyRun,
} from '@/testing/factories';
import { problem } from '@/testing/fakeApi';
import { renderApp } from '@/testing/renderApp';

const LIST = 'GET /api/recommendations/';
const first = recommendationRow();
const second = recommendationRow({
  id: '0197a000-0000-7000-8000-0000000000a2',
  deadline: '2026-11-20T17:00:00Z',
  contract: { ...first.contract, symbol: 'QQQ', description: 'QQQ 11 Dec 2026 562.5 put' },
});
const both = { body: { items: [first, second], next_cursor: null } };

it('moves with j and k and opens the approval of the row in focus with a', async () => {
  const user = userEvent.setup();
  const detail = recommendation({ ...second });
  renderApp('/recommendations', {
    [LIST]: both,
    [`GET /api/recommendations/${second.id}/`]: { body: detail },
  });
  const link = await screen.findByRole('link', { name: /QQQ 11 Dec 2026/ });
  await user.keyboard('jjjk');
  expect(screen.getByRole('link', { name: /SPY 18 Dec 2026/ })).toHaveFocus();
  await user.keyboard('j');
  expect(link).toHaveFocus();
  await user.keyboard('a');
  expect(await screen.findByRole('dialog', { name: 'Approve this trade?' })).toBeVisible();
});

it('filters by words after /', async () => {
  const user = userEvent.setup();
  renderApp('/recommendations', { [LIST]: both });
  await screen.findByRole('link', { name: /QQQ/ });
  await user.keyboard('/');
  expect(screen.getByRole('textbox', { name: 'Filter' })).toHaveFocus();
  await user.keyboard('put 640');
  await waitFor(() => expect(screen.queryByRole('link', { name: /QQQ/ })).toBeNull());
  expect(screen.getByRole('link', { name: /SPY 18 Dec 2026/ })).toBeVisible();
});

it('reads all pages as soon as it is filtered, and shows what only the last one has', async () => {
  const user = userEvent.setup();
  const calls = renderApp('/recommendations', {
    [LIST]: ({ search }) =>
      search.get('cursor') === null
        ? { body: { items: [first], next_cursor: 'more' } }
        : { body: { items: [second], next_cursor: null } },
  });
  await screen.findByRole('link', { name: /SPY/ });
  expect(screen.queryByRole('link', { name: /QQQ/ })).toBeNull();
  await user.keyboard('/qqq');
  expect(await screen.findByRole('link', { name: /QQQ/ })).toBeVisible();
  const limits = calls
    .filter((call) => call.path === '/api/recommendations/')
    .map((call) => call.search.get('limit'));
  expect(limits).toEqual(['100', '1000']);
});

it('says why the queue is empty: the market is closed', async () => {
  const market = { ...desk().market, session_open: false };
  renderApp('/recommendations', {
    [LIST]: { body: { items: [], next_cursor: null } },
    'GET /api/desk/': { body: desk({ market }) },
  });
  expect(await screen.findByText(/the market is closed/)).toBeVisible();
});

it.each([
  ['a run is under way', strategyRun({ status: 'RUNNING' }), /looking at the market$/],
  ['no run has been made', null, /no strategy has run$/],
  ['the last run found nothing', strategyRun(), /^Nothing to decide$/],
])('says why the queue is empty: %s', async (_, last_run, title) => {
  renderApp('/recommendations', {
    [LIST]: { body: { items: [], next_cursor: null } },
    'GET /api/strategies/': { body: { items: [strategyRow({ last_run })], next_cursor: null } },
  });
  // Until the strategies are read it is called the same as after a run that found nothing.
  const strategy = await screen.findByRole('link', { name: 'SPY wheel' });
  expect(strategy).toHaveAttribute('href', `/strategies/${strategyRow().id}`);
  expect(screen.getByRole('heading', { level: 2 })).toHaveTextContent(title);
  const reason = screen.queryByText(/No put pays 0.5 %/);
  expect(reason !== null).toBe(last_run?.status === 'COMPLETED');
});

it('goes to the login, and remembers the way back, when nobody is signed in', async () => {
  renderApp('/recommendations?show=all', {
    'GET /api/auth/me/': problem(401, 'NOT_AUTHENTICATED', 'Not signed in', 'Sign in again.'),
  });
  expect(await screen.findByRole('button', { name: 'Sign in' })).toBeVisible();
  expect(screen.getByText(/go on where you were/)).toBeVisible();
});
