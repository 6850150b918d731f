import { screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import type { ContractResultRow, Journal } from '@/client/schema';
import { account } from '@/testing/factories';
import { renderApp } from '@/testing/renderApp';

const held: ContractResultRow = {
  account,
  client_id: '0197a000-0000-7000-8000-0000000000c1',
  contract: null,
  con_id: 756733,
  currency: 'USD',
  opened_at: null,
  ended_at: null,
  quantity: '100',
  cost: '60000',
  realised: '0',
  unrealised: '250',
  strategy_id: null,
  strategy: null,
  approver_id: null,
  approver: null,
  complete: false,
};
const journal: Journal = { contracts: [held], cycles: [], by_strategy: [], by_approver: [] };

it('says in words that a position was held before the record began, and is open', async () => {
  renderApp('/journal', { 'GET /api/journal/': { body: journal } });
  const row = (await screen.findByText('before the record began')).closest('tr');
  expect(row).toHaveTextContent('OPEN');
  expect(row).toHaveTextContent('conId 756733');
  expect(row).not.toHaveTextContent('1969');
});
