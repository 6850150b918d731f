import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import { recommendationRow } from '@/testing/factories';
import { renderApp } from '@/testing/renderApp';

const LIST = 'GET /api/recommendations/';
const REJECT = 'POST /api/recommendations/reject/';
const rows = [
  recommendationRow({ id: 'r1', terms_hash: 'sha256:one', trade: 'Sell 2 SPY puts' }),
  recommendationRow({ id: 'r2', terms_hash: 'sha256:two', trade: 'Sell 1 IWM put' }),
];
const results = {
  items: [
    {
      receipt: {
        recommendation_id: 'r1',
        decision_id: 'd1',
        awaits_second_approver: false,
        action: 'REJECT',
        state: 'REJECTED',
        delivered: true,
        decided_at: '2026-11-20T15:31:00Z',
      },
      refusal: null,
    },
    {
      receipt: null,
      refusal: {
        code: 'ALREADY_DECIDED',
        title: 'Already decided',
        detail: '',
        advice: 'See the decision on the card.',
      },
    },
  ],
};

it('rejects several by their own terms with one reason, and tells what became of each', async () => {
  const user = userEvent.setup();
  let isRejected = false;
  const calls = renderApp('/recommendations', {
    [LIST]: () => ({ body: { items: isRejected ? [] : rows, next_cursor: null } }),
    [REJECT]: () => {
      isRejected = true;
      return { body: results };
    },
  });
  await user.click(await screen.findByRole('checkbox', { name: 'Select Sell 2 SPY puts' }));
  await user.click(await screen.findByRole('button', { name: 'Select all 2' }));
  expect(await screen.findByText('2 selected')).toBeVisible();
  await user.click(screen.getByRole('button', { name: 'Reject…' }));

  const dialog = within(await screen.findByRole('dialog', { name: 'Reject 2 recommendations?' }));
  expect(dialog.getByRole('button', { name: 'Reject 2' })).toBeDisabled();
  await user.type(dialog.getByLabelText(/Reason, for all of them/), 'Earnings week.');
  await user.click(dialog.getByRole('button', { name: 'Reject 2' }));

  // The list behind is empty by now; what became of each is still told.
  expect(await dialog.findByText('1 of 2 rejected, on record.')).toBeVisible();
  expect(dialog.getByText('Already decided')).toBeVisible();
  const sent = calls.filter((call) => `${call.method} ${call.path}` === REJECT);
  expect(sent.map((call) => call.body)).toEqual([
    {
      reason: 'Earnings week.',
      items: [
        { recommendation_id: 'r1', terms_hash: 'sha256:one' },
        { recommendation_id: 'r2', terms_hash: 'sha256:two' },
      ],
    },
  ]);
  await user.click(dialog.getByRole('button', { name: 'Done' }));
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
});
