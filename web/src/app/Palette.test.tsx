import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import { recommendationRow, strategyRow } from '@/testing/factories';
import { renderApp } from '@/testing/renderApp';

const NONE = { body: { items: [], next_cursor: null } };

it('goes anywhere by Ctrl K and a few letters: to a screen, to what waits, to a strategy', async () => {
  const user = userEvent.setup();
  renderApp('/executions', {
    'GET /api/executions/': NONE,
    'GET /api/orders/': NONE,
    'GET /api/chains/': { body: [] },
    'GET /api/recommendations/': { body: { items: [recommendationRow()], next_cursor: null } },
    'GET /api/strategies/': { body: { items: [strategyRow()], next_cursor: null } },
  });
  await screen.findByRole('heading', { name: 'Executions', level: 1 });
  await user.keyboard('{Control>}k{/Control}');
  const where = await screen.findByRole('textbox', { name: 'Where to go' });
  await user.type(where, 'spy');
  expect(await screen.findByRole('button', { name: /Sell 2 SPY/ })).toBeVisible();
  expect(screen.getByRole('button', { name: /^SPY wheel/ })).toBeVisible();
  await user.clear(where);
  await user.type(where, 'orders{Enter}');
  expect(await screen.findByRole('heading', { name: 'Orders', level: 1 })).toBeVisible();
});
