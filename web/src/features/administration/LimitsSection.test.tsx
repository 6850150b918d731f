import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import { account } from '@/testing/factories';
import { renderApp } from '@/testing/renderApp';

const STRATEGY = 'ee000000-0000-7000-8000-000000000001';
const ofNobody = { author: null, reason: null, changed_at: null, owner_id: null, version: 0 };

const HANDLERS: Parameters<typeof renderApp>[1] = {
  'GET /api/clients/': {
    body: {
      items: [
        {
          id: 'c1',
          name: 'Hopper Family',
          slug: 'hopper',
          role: 'OPERATOR',
          portfolios: [{ id: 'p1', name: 'Main', accounts: [account] }],
        },
      ],
      next_cursor: null,
    },
  },
  'GET /api/strategies/': {
    body: { items: [{ id: STRATEGY, name: 'SPY wheel', account }], next_cursor: null },
  },
  'GET /api/limits/': {
    body: {
      schema: {
        properties: {
          max_contracts: { title: 'Contracts', type: 'integer', minimum: 1, unit: 'contracts' },
        },
      },
      defaults: { max_contracts: 10 },
    },
  },
  'GET /api/limits/GLOBAL/': {
    body: { ...ofNobody, scope: 'GLOBAL', limits: {}, may_change: true },
  },
  'GET /api/limits/STRATEGY/': {
    body: { ...ofNobody, scope: 'STRATEGY', limits: { max_contracts: 2 }, may_change: true },
  },
  [`GET /api/limits/in-force/${account.id}/`]: {
    body: {
      limits: [
        {
          name: 'max_contracts',
          description: '',
          value: 2,
          sources: ['STRATEGY'],
          said: { STRATEGY: 2, ACCOUNT: 5 },
        },
      ],
      versions: [],
    },
  },
};

it('shows a strategy’s own limits and what binds its orders, by the address', async () => {
  const user = userEvent.setup();
  const calls = renderApp('/administration/limits', HANDLERS);
  const whose = await screen.findByLabelText('Whose limits');
  await screen.findByRole('option', { name: /^Strategy: SPY wheel/ });
  await user.selectOptions(whose, `STRATEGY:${STRATEGY}`);

  const binding = await screen.findByRole('region', { name: 'What binds this strategy' });
  const row = await within(binding).findByRole('row', { name: /Contracts/ });
  expect(within(row).getByText('binds').closest('td')).toHaveTextContent('2');
  expect(within(binding).getByRole('columnheader', { name: 'Strategy' })).toBeVisible();
  await waitFor(() => {
    const asked = calls.find((call) => call.path === '/api/limits/STRATEGY/');
    expect(asked?.search.get('owner')).toBe(STRATEGY);
  });
  const inForce = calls.find((call) => call.path.startsWith('/api/limits/in-force/'));
  expect(inForce?.search.get('strategy_instance')).toBe(STRATEGY);
});
