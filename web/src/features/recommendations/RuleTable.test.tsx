import { screen, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { recommendation } from '@/testing/factories';
import { renderApp } from '@/testing/renderApp';

const passed = {
  rule: 'quote_age',
  label: 'Age of the quote',
  value: '2.0 s',
  threshold: '≤ 30 s',
  passed: true,
  code: null,
  sentence: 'Age of the quote: 2.0 s, limit 30 s',
  figure: 'PLAIN',
} as const;
const refused = {
  rule: 'max_notional',
  label: 'Notional of the order',
  value: '264000',
  threshold: '≤ 250000',
  passed: false,
  code: 'NOTIONAL_LIMIT',
  sentence: 'Notional of the order: 264,000, limit 250,000',
  figure: 'MONEY',
} as const;

describe('pre-trade controls on the card', () => {
  it('stand with value, limit, result and code, those that refused first', async () => {
    const card = { ...recommendation(), state: 'DENIED', controls: [passed, refused] };
    renderApp(`/recommendations/${card.id}`, {
      [`GET /api/recommendations/${card.id}/`]: { body: card },
    });
    const table = await screen.findByRole('region', { name: 'Pre-trade controls, table' });
    const [, ...rows] = within(table).getAllByRole('row');
    expect(
      rows.map((row) =>
        within(row)
          .getAllByRole('cell')
          .map((cell) => cell.textContent),
      ),
    ).toEqual([
      ['Notional of the order', '264,000', '≤ 250,000', 'FAILNOTIONAL_LIMIT'],
      ['Age of the quote', '2.0 s', '≤ 30 s', 'PASS'],
    ]);
  });
});
