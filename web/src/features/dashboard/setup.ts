import type { LinkProps } from '@tanstack/react-router';
import type { SetupAnswer } from '@/client/schema';

/** One step of the first-run guide: what to do, or what is found done. */
export interface Step {
  title: string;
  isDone: boolean;
  words: string;
  found: string;
  action: string;
  /** Where it is done; null where it comes by itself or is somebody else's. */
  link: Pick<LinkProps, 'to' | 'params'> | null;
}

const toAdministration = (section: string): Step['link'] => ({
  to: '/administration/$section',
  params: { section } as never,
});

const ASK = ' An administrator of this desk does that.';

/** From nothing to the first decision, in order; `isDone` by what the desk really holds. */
export function stepsOf(setup: SetupAnswer, isAdmin: boolean): Step[] {
  const admin = (link: Step['link']) => (isAdmin ? link : null);
  const ask = isAdmin ? '' : ASK;
  return [
    {
      title: 'Connect a gateway',
      isDone: setup.gateways_connected > 0,
      words:
        setup.gateways === 0
          ? `Start with the simulated gateway that “make up” brings, or set up an IB Gateway: a paper login first.${ask}`
          : `A gateway is set up and none is connected. Is its broker worker running, and the gateway logged in?${ask}`,
      found: setup.simulated
        ? 'The simulated gateway is connected: a whole market without a broker.'
        : `${counted(setup.gateways_connected, 'gateway is', 'gateways are')} connected.`,
      action: setup.gateways === 0 ? 'Set up a gateway' : 'Look at the gateways',
      link: admin(toAdministration('gateways')),
    },
    {
      title: 'Add a client and an account',
      isDone: setup.accounts > 0,
      words: `Whose money it is, and the account code behind the gateway.${ask}`,
      found: `${counted(setup.accounts, 'account', 'accounts')} of ${counted(setup.clients, 'client', 'clients')}.`,
      action: 'Add a client and an account',
      link: admin(toAdministration('clients')),
    },
    {
      title: 'Read the account from the broker',
      isDone: setup.accounts_read > 0,
      words:
        'It comes by itself within a minute of the connection: cash, margin and positions. If it does not, look at the alerts.',
      found: 'Cash, margin and positions are read all the time.',
      action: 'See the alerts',
      link: { to: '/alerts' },
    },
    {
      title: 'Choose a universe',
      isDone: setup.strategies > 0,
      words:
        'Set up a strategy: its underlyings, and how much it may commit. A dry run shows what it would find, before anything is saved.',
      found: `${counted(setup.strategies, 'strategy has', 'strategies have')} underlyings to look at.`,
      action: 'Set up a strategy',
      link: { to: '/strategies' },
    },
    {
      title: 'Enable a strategy',
      isDone: setup.strategies_enabled > 0,
      words: 'Switch it on. It only ever recommends: each order waits for a person.',
      found: `${counted(setup.strategies_enabled, 'strategy is', 'strategies are')} on.`,
      action: 'Enable a strategy',
      link: { to: '/strategies' },
    },
    {
      title: 'Get the first recommendation',
      isDone: setup.recommendations > 0,
      ...firstRun(setup),
      found: `${counted(setup.recommendations, 'recommendation', 'recommendations')} so far.`,
    },
    {
      title: 'Decide it',
      isDone: setup.decisions > 0,
      words: 'Everything needed to approve or reject it is on its card.',
      found: `${counted(setup.decisions, 'decision', 'decisions')} on record.`,
      action: 'Open the recommendations',
      link: { to: '/recommendations' },
    },
  ];
}

/** A run under way is told before what others found: most often it is the first. */
function firstRun(setup: SetupAnswer): Pick<Step, 'words' | 'action' | 'link'> {
  if (setup.runs_under_way > 0) {
    return {
      words: 'A strategy is looking at the market. What it finds is here as soon as it is done.',
      action: 'See the run',
      link: { to: '/strategies' },
    };
  }
  if (setup.runs === 0) {
    return {
      words:
        'Strategies run every few minutes while the market is open, or at once with “Run now”.',
      action: 'Run a strategy now',
      link: { to: '/strategies' },
    };
  }
  return {
    words:
      'The runs so far found nothing inside their rules. Opportunities says what each rule removed.',
    action: 'See what was found',
    link: { to: '/opportunities' },
  };
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
