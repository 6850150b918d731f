import { screen, waitFor, within } from '@testing-library/react';
import { expect, it } from 'vitest';
import { me } from '@/testing/factories';
import { renderApp } from '@/testing/renderApp';

const ADMIN = { body: { ...me, user: { ...me.user, is_admin: true } } };
const ID = '0197a000-0000-7000-8000-0000000000a1';

// Every read but who is signed in and the desk itself is answered with a refusal.
it.each([
  '/',
  '/recommendations',
  `/recommendations/${ID}`,
  '/opportunities',
  '/strategies',
  `/strategies/${ID}`,
  '/risk',
  '/risk?view=underlyings',
  '/risk?view=stress',
  '/risk?view=margin',
  '/risk?view=calendar',
  '/chain',
  '/orders',
  `/orders/${ID}`,
  '/executions',
  '/alerts',
  '/journal',
  '/journal?view=cycles',
  '/journal?view=decisions',
  '/backtests',
  '/backtests?list=sweeps',
  `/backtests/${ID}`,
  `/backtests/sweeps/${ID}`,
  `/backtests/compare?ids=${ID}`,
  '/discrepancies',
  '/logs/strategy-errors',
  '/logs/broker-messages',
  '/logs/audit',
  '/logs/health',
  '/administration/users',
  '/administration/clients',
  '/administration/gateways',
  '/administration/limits',
  '/account',
])('says in words that %s cannot be read, and what to do', async (address) => {
  renderApp(address, { 'GET /api/auth/me/': ADMIN });
  const page = within(await screen.findByRole('main'));
  const [told] = await page.findAllByRole('alert');
  expect(told).toHaveTextContent(/Not found/);
  expect(told).toHaveTextContent(/It may belong to another client/);
  await waitFor(() => expect(page.queryByText(/Loading/)).toBeNull());
});
