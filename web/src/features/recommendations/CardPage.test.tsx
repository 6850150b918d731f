import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it } from 'vitest';
import { recommendation } from '@/testing/factories';
import { problem } from '@/testing/fakeApi';
import { renderApp, tellOf } from '@/testing/renderApp';

const offered = recommendation();
const ADDRESS = `/recommendations/${offered.id}`;
const READ = `GET /api/recommendations/${offered.id}/`;
const APPROVE = `POST /api/recommendations/${offered.id}/approve/`;
const REJECT = `POST /api/recommendations/${offered.id}/reject/`;

const receipt = {
  recommendation_id: offered.id,
  decision_id: '0197a000-0000-7000-8000-0000000000f1',
  action: 'APPROVE',
  state: 'APPROVED',
  delivered: true,
  decided_at: '2026-11-20T15:31:00Z',
};

const approvals = (calls: ReturnType<typeof renderApp>) =>
  calls.filter((call) => `${call.method} ${call.path}` === APPROVE);

async function openApproval(user: ReturnType<typeof userEvent.setup>) {
  await user.click(await screen.findByRole('button', { name: 'Approve…' }));
  return within(await screen.findByRole('dialog', { name: 'Approve this trade?' }));
}

describe('approving', () => {
  it('sends the terms on screen, and nothing before the confirmation', async () => {
    const user = userEvent.setup();
    const calls = renderApp(ADDRESS, { [READ]: { body: offered }, [APPROVE]: { body: receipt } });
    const dialog = await openApproval(user);
    expect(dialog.getByText(/Sell 2 SPY 18 Dec 2026 640 puts at 4.15 or better/)).toBeVisible();
    expect(approvals(calls)).toHaveLength(0);

    await user.click(dialog.getByRole('button', { name: 'Confirm approval' }));
    await waitFor(() => expect(approvals(calls)).toHaveLength(1));
    const [call] = approvals(calls);
    expect(call?.body).toEqual({ terms_hash: 'sha256:seen', quantity: null, limit_price: null });
    expect(call?.headers.get('Idempotency-Key')).toMatch(/^[\w-]{21}$/);
    expect(call?.headers.get('X-Greenlight')).toBe('1');
  });

  it('asks for fewer contracts at a better limit when those are typed', async () => {
    const user = userEvent.setup();
    const calls = renderApp(ADDRESS, { [READ]: { body: offered }, [APPROVE]: { body: receipt } });
    const dialog = await openApproval(user);
    await user.clear(dialog.getByLabelText('Contracts'));
    await user.type(dialog.getByLabelText('Contracts'), '1');
    await user.clear(dialog.getByLabelText('Limit per share'));
    await user.type(dialog.getByLabelText('Limit per share'), '4.30');
    expect(dialog.getByText(/Sell 1 SPY .* at 4.30 or better, never below 4.30/)).toBeVisible();
    await user.click(dialog.getByRole('button', { name: 'Confirm approval' }));
    await waitFor(() => expect(approvals(calls)).toHaveLength(1));
    expect(approvals(calls)[0]?.body).toEqual({
      terms_hash: 'sha256:seen',
      quantity: 1,
      limit_price: '4.30',
    });
  });

  it('starts the second of two approvals at what the first asked for', async () => {
    const user = userEvent.setup();
    const first = {
      by: 'Ada',
      by_id: '0197a000-0000-7000-8000-0000000000aa',
      quantity: 1,
      limit_price: '4.3',
      approved_at: '2026-11-20T15:30:00Z',
    };
    const waiting = recommendation({ needs_two_approvers: true, approvals: [first] });
    renderApp(ADDRESS, { [READ]: { body: waiting } });
    const dialog = await openApproval(user);
    expect(dialog.getByText(/Sell 1 SPY .* at 4.30 or better, never below 4.30/)).toBeVisible();
  });

  it('cannot be confirmed at a worse limit than offered', async () => {
    const user = userEvent.setup();
    renderApp(ADDRESS, { [READ]: { body: offered } });
    const dialog = await openApproval(user);
    await user.clear(dialog.getByLabelText('Limit per share'));
    await user.type(dialog.getByLabelText('Limit per share'), '4.10');
    expect(dialog.getByText(/Worse than offered/)).toBeVisible();
    expect(dialog.getByRole('button', { name: 'Confirm approval' })).toBeDisabled();
  });

  it('repeats the same idempotency key when an answer was lost, and a new one when reopened', async () => {
    const user = userEvent.setup();
    const calls = renderApp(ADDRESS, {
      [READ]: { body: offered },
      [APPROVE]: problem(503, 'BROKER_UNAVAILABLE', 'The broker is not connected', 'Wait.'),
    });
    const dialog = await openApproval(user);
    const confirm = dialog.getByRole('button', { name: 'Confirm approval' });
    await user.click(confirm);
    expect(await dialog.findByText('The broker is not connected')).toBeVisible();
    await user.click(confirm);
    await waitFor(() => expect(approvals(calls)).toHaveLength(2));
    await user.click(dialog.getByRole('button', { name: 'Go back' }));
    const again = await openApproval(user);
    await user.click(again.getByRole('button', { name: 'Confirm approval' }));
    await waitFor(() => expect(approvals(calls)).toHaveLength(3));
    const keys = approvals(calls).map((call) => call.headers.get('Idempotency-Key'));
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  it('explains changed terms, reads the card again and lets nobody confirm the old ones', async () => {
    const user = userEvent.setup();
    const calls = renderApp(ADDRESS, {
      [READ]: { body: offered },
      [APPROVE]: problem(409, 'TERMS_CHANGED', 'The terms have changed', 'Reload and decide anew.'),
    });
    const dialog = await openApproval(user);
    const reads = () => calls.filter((call) => `${call.method} ${call.path}` === READ).length;
    const before = reads();
    await user.click(dialog.getByRole('button', { name: 'Confirm approval' }));
    expect(await dialog.findByText('The terms have changed')).toBeVisible();
    expect(dialog.getByText('Reload and decide anew.')).toBeVisible();
    expect(dialog.getByRole('button', { name: 'Confirm approval' })).toBeDisabled();
    await waitFor(() => expect(reads()).toBeGreaterThan(before));
  });
});

describe('two people on one recommendation', () => {
  it('keeps the open form, says who decided, and lets nobody confirm any more', async () => {
    const user = userEvent.setup();
    let isDecided = false;
    const rejected = recommendation({
      state: 'REJECTED',
      may_decide: false,
      may_decide_why_not: 'It is REJECTED.',
      decision: {
        id: receipt.decision_id,
        action: 'REJECT',
        by: 'Bob',
        by_id: 'bob',
        decided_at: receipt.decided_at,
        quantity: null,
        limit_price: null,
        reason: 'Earnings',
        delivered_at: null,
      },
    });
    renderApp(ADDRESS, { [READ]: () => ({ body: isDecided ? rejected : offered }) });
    const dialog = await openApproval(user);
    isDecided = true;
    tellOf('recommendations');
    expect(await dialog.findByText(/Bob has rejected it while you were looking/)).toBeVisible();
    expect(dialog.getByRole('button', { name: 'Confirm approval' })).toBeDisabled();
    await user.click(dialog.getByRole('button', { name: 'Back to the card' }));
    expect(await screen.findByText('Rejected by Bob')).toBeVisible();
    expect(screen.queryByRole('button', { name: 'Approve…' })).toBeNull();
  });
});

describe('rejecting', () => {
  it('needs a reason', async () => {
    const user = userEvent.setup();
    const calls = renderApp(ADDRESS, {
      [READ]: { body: offered },
      [REJECT]: { body: { ...receipt, action: 'REJECT', state: 'REJECTED' } },
    });
    await user.click(await screen.findByRole('button', { name: 'Reject…' }));
    const dialog = within(await screen.findByRole('dialog'));
    const confirm = dialog.getByRole('button', { name: 'Confirm rejection' });
    expect(confirm).toBeDisabled();
    await user.type(dialog.getByLabelText(/Reason/), 'earnings that week');
    await user.click(confirm);
    await waitFor(() =>
      expect(calls.find((call) => `${call.method} ${call.path}` === REJECT)?.body).toEqual({
        terms_hash: 'sha256:seen',
        reason: 'earnings that week',
      }),
    );
  });
});

describe('a card that follows another', () => {
  it('says what changed since the offer before', async () => {
    const before = recommendation({ id: 'before', limit_price: '4.40', state: 'DENIED' });
    renderApp(ADDRESS, {
      [READ]: { body: recommendation({ predecessor_id: before.id }) },
      'GET /api/recommendations/before/': { body: before },
    });
    expect(await screen.findByRole('row', { name: 'Limit per share 4.40 4.15' })).toBeVisible();
    expect(screen.queryByRole('row', { name: /^Never worse than/ })).toBeNull();
  });
});

describe('a card that may not be decided', () => {
  it('says why instead of offering the buttons', async () => {
    const whyNot = 'Your role for this client is VIEWER.';
    renderApp(ADDRESS, {
      [READ]: { body: recommendation({ may_decide: false, may_decide_why_not: whyNot }) },
    });
    expect(await screen.findByText(whyNot)).toBeVisible();
    expect(screen.getByRole('button', { name: 'Approve…' })).toBeDisabled();
    expect(screen.getByRole('button', { name: 'Reject…' })).toBeDisabled();
  });

  it('closes by the market clock once the deadline has passed', async () => {
    renderApp(ADDRESS, {
      [READ]: { body: recommendation({ deadline: '2026-11-20T15:29:59Z' }) },
    });
    expect(await screen.findByText('The deadline has passed.')).toBeVisible();
    expect(screen.getByRole('button', { name: 'Approve…' })).toBeDisabled();
  });

  it('shows a denial with its advice and the way to the successor', async () => {
    renderApp(ADDRESS, {
      [READ]: {
        body: recommendation({
          state: 'DENIED',
          may_decide: false,
          reason_code: 'PRICE_OUTSIDE_FLOOR',
          reason: 'bid 3.90 is below 4.02',
          advice: 'Look at the successor on fresh terms.',
          successor_id: '0197a000-0000-7000-8000-0000000000a2',
        }),
      },
    });
    expect(await screen.findByText('Look at the successor on fresh terms.')).toBeVisible();
    expect(screen.getByRole('link', { name: /successor/ })).toHaveAttribute(
      'href',
      expect.stringContaining('0000000000a2'),
    );
  });
});

it('shows a problem with its advice and tries again when asked', async () => {
  const user = userEvent.setup();
  let isDown = true;
  renderApp(ADDRESS, {
    [READ]: () =>
      isDown ? problem(500, 'INTERNAL_ERROR', 'The desk failed', 'Try again.') : { body: offered },
  });
  expect(await screen.findByText('The desk failed')).toBeVisible();
  isDown = false;
  await user.click(screen.getByRole('button', { name: 'Try again' }));
  expect(await screen.findByRole('button', { name: 'Approve…' })).toBeEnabled();
});
