import { screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it } from 'vitest';
import type { UserRow } from '@/client/schema';
import { me } from '@/testing/factories';
import { problem } from '@/testing/fakeApi';
import { renderApp } from '@/testing/renderApp';

const grace: UserRow = {
  id: 'u2',
  email: 'grace@example.com',
  name: 'Grace',
  is_active: true,
  is_admin: false,
  has_second_factor: false,
  last_login_at: null,
  password_expires_at: '2026-11-23T15:00:00Z',
  created_at: '2026-11-20T15:00:00Z',
  sessions: 0,
  roles: [],
  etag: '"u2"',
};
const ADMIN = { body: { ...me, user: { ...me.user, is_admin: true } } };
const USERS = { body: { items: [grace], next_cursor: null } };

describe('the administration', () => {
  it('shows the password of a new user once, to be handed over', async () => {
    const user = userEvent.setup();
    const calls = renderApp('/administration/users', {
      'GET /api/auth/me/': ADMIN,
      'GET /api/users/': USERS,
      'POST /api/users/': { status: 201, body: { user: grace, password: 'seven-garden-lanterns' } },
    });
    await user.click(await screen.findByRole('button', { name: 'New user' }));
    const dialog = within(await screen.findByRole('dialog', { name: 'New user' }));
    await user.type(dialog.getByLabelText(/^Name/), 'Grace');
    await user.type(dialog.getByLabelText(/^E-mail/), 'grace@example.com');
    await user.click(dialog.getByRole('button', { name: 'Create user' }));
    expect(await dialog.findByText('seven-garden-lanterns')).toBeVisible();
    expect(calls.find((call) => call.method === 'POST')?.body).toEqual({
      email: 'grace@example.com',
      name: 'Grace',
      is_admin: false,
    });
  });

  it('asks for a fresh proof where the desk wants one, and says what a command does', async () => {
    const user = userEvent.setup();
    renderApp('/administration/users', {
      'GET /api/auth/me/': ADMIN,
      'GET /api/users/': USERS,
      'PATCH /api/users/u2/': problem(
        403,
        'STEP_UP_REQUIRED',
        'Confirm that it is you',
        'Enter your one-time code.',
      ),
    });
    await user.click(await screen.findByRole('button', { name: 'Disable… Grace' }));
    const dialog = within(await screen.findByRole('dialog', { name: 'Disable Grace?' }));
    expect(dialog.getByText(/signed out everywhere at once/)).toBeVisible();
    await user.click(dialog.getByRole('button', { name: 'Disable' }));
    expect(await dialog.findByText('Confirm that it is you')).toBeVisible();
    expect(await dialog.findByRole('button', { name: 'It is me' })).toBeVisible();
  });

  it('leads who is no administrator to what is open to them', async () => {
    renderApp('/administration/users', {
      'GET /api/clients/': { body: { items: [], next_cursor: null } },
    });
    expect(await screen.findByText(/is not open to you/)).toBeVisible();
    expect(screen.queryByRole('link', { name: 'Users & roles' })).toBeNull();
    expect(await screen.findByText('No client yet')).toBeVisible();
  });
});
