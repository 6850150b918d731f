import { describe, expect, it } from 'vitest';
import type { SetupAnswer } from '@/client/schema';
import { stepsOf } from './setup';

const NOTHING: SetupAnswer = {
  gateways: 0,
  gateways_connected: 0,
  simulated: false,
  clients: 0,
  accounts: 0,
  accounts_read: 0,
  strategies: 0,
  strategies_enabled: 0,
  runs: 0,
  runs_under_way: 0,
  recommendations: 0,
  decisions: 0,
};

const next = (setup: Partial<SetupAnswer>, isAdmin = true) =>
  stepsOf({ ...NOTHING, ...setup }, isAdmin).find((step) => !step.isDone);

describe('the first-run guide', () => {
  it('leads an administrator from nothing to the gateways', () => {
    expect(next({})).toMatchObject({ title: 'Connect a gateway', action: 'Set up a gateway' });
    expect(next({})?.link).not.toBeNull();
  });

  it('sends others to an administrator instead', () => {
    expect(next({}, false)).toMatchObject({ link: null });
    expect(next({}, false)?.words).toContain('administrator');
  });

  it('goes on to what is missing next, by what is really there', () => {
    const connected = { gateways: 1, gateways_connected: 1 };
    const account = { ...connected, clients: 1, accounts: 1, accounts_read: 1 };
    expect(next(connected)?.title).toBe('Add a client and an account');
    expect(next(account)?.title).toBe('Choose a universe');
    expect(next({ ...account, strategies: 1 })?.title).toBe('Enable a strategy');
    const enabled = { ...account, strategies: 1, strategies_enabled: 1 };
    expect(next(enabled)?.action).toBe('Run a strategy now');
    expect(next({ ...enabled, runs: 2 })?.action).toBe('See what was found');
    expect(next({ ...enabled, runs_under_way: 1 })?.action).toBe('See the run');
    const decided = { ...enabled, runs: 2, recommendations: 3, decisions: 1 };
    expect(next(decided)).toBeUndefined();
  });

  it('tells a gateway that is set up from one that is connected', () => {
    expect(next({ gateways: 1 })).toMatchObject({ action: 'Look at the gateways' });
  });
});
