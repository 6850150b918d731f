import { screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import type { DeskHealth } from '@/client/schema';
import { renderApp } from '@/testing/renderApp';

const health: DeskHealth = {
  state: 'failed',
  checked_at: '2026-11-23T15:00:00Z',
  checks: [
    {
      part: 'gateway',
      name: 'paper',
      state: 'failed',
      detail: 'DISCONNECTED: client id 17 is in use',
      advice: 'See the runbook on a gateway that is down.',
    },
    { part: 'database', name: 'postgres', state: 'ok', detail: 'answers in 1 ms', advice: '' },
  ],
};

it('shows every part of the desk, with what to do where it is not well', async () => {
  const calls = renderApp('/logs/health', { 'GET /api/health/': { body: health } });
  expect(await screen.findByRole('heading', { name: 'Health', level: 1 })).toBeVisible();
  const table = await screen.findByRole('table', { name: 'Health' });
  expect(within(table).getByText('See the runbook on a gateway that is down.')).toBeVisible();
  expect(within(table).getByText('answers in 1 ms')).toBeVisible();
  expect(screen.getByText(/^Examined at/)).toBeVisible();

  const asked = () => calls.filter((call) => call.path === '/api/health/').length;
  const before = asked();
  await userEvent.click(screen.getByRole('button', { name: 'Look again' }));
  expect(asked()).toBe(before + 1);
});
