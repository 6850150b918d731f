import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import { desk, recommendation, recommendationRow } from '@/testing/factories';
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

it('says why the queue is empty: the market is closed', async () => {
  const market = { ...desk().market, session_open: false };
  renderApp('/recommendations', {
    [LIST]: { body: { items: [], next_cursor: null } },
    'GET /api/desk/': { body: desk({ market }) },
  });
  expect(await screen.findByText(/the market is closed/)).toBeVisible();
});

it('goes to the login, and remembers the way back, when nobody is signed in', async () => {
  renderApp('/recommendations?show=all', {
    'GET /api/auth/me/': problem(401, 'NOT_AUTHENTICATED', 'Not signed in', 'Sign in again.'),
  });
  expect(await screen.findByRole('button', { name: 'Sign in' })).toBeVisible();
  expect(screen.getByText(/go on where you were/)).toBeVisible();
});
