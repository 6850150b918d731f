import {
  IconBell,
  IconChartHistogram,
  IconChecklist,
  IconLayoutDashboard,
  IconListSearch,
  IconListTree,
  IconNotebook,
  IconReceipt,
  IconRobot,
  IconScale,
  IconScaleOutline,
  IconSend,
  IconSettings,
} from '@tabler/icons-react';
import type { DeskCounts } from '@/client/schema';

/** What waits on a screen, shown beside its name. */
export interface Waiting {
  count: number;
  /** Read out after the number: `3 to decide`. */
  meaning: string;
  /** Shown, too: this needs a person now. */
  isAlarming?: boolean;
}

const nothing = (): Waiting => ({ count: 0, meaning: '' });

function ordersWaiting(counts: DeskCounts): Waiting {
  return counts.unknown_orders > 0
    ? { count: counts.unknown_orders, meaning: 'unknown', isAlarming: true }
    : { count: counts.working_orders, meaning: 'working' };
}

/** The screens of the rail, in groups, in the order of a working day. */
export const SCREEN_GROUPS = [
  {
    label: 'Decide',
    screens: [
      { to: '/', label: 'Dashboard', icon: IconLayoutDashboard, waiting: nothing },
      {
        to: '/recommendations',
        label: 'Recommendations',
        icon: IconChecklist,
        waiting: (counts: DeskCounts): Waiting => ({
          count: counts.pending_recommendations,
          meaning: 'to decide',
        }),
      },
      { to: '/opportunities', label: 'Opportunities', icon: IconListSearch, waiting: nothing },
      { to: '/strategies', label: 'Strategies', icon: IconRobot, waiting: nothing },
    ],
  },
  {
    label: 'Trade',
    screens: [
      { to: '/risk', label: 'Positions & risk', icon: IconScale, waiting: nothing },
      { to: '/chain', label: 'Chain', icon: IconListTree, waiting: nothing },
      { to: '/orders', label: 'Orders', icon: IconSend, waiting: ordersWaiting },
      { to: '/executions', label: 'Executions', icon: IconReceipt, waiting: nothing },
    ],
  },
  {
    label: 'Review',
    screens: [
      {
        to: '/alerts',
        label: 'Alerts',
        icon: IconBell,
        waiting: (counts: DeskCounts): Waiting => ({ count: counts.open_alerts, meaning: 'open' }),
      },
      { to: '/journal', label: 'Journal', icon: IconNotebook, waiting: nothing },
      { to: '/backtests', label: 'Backtests', icon: IconChartHistogram, waiting: nothing },
      { to: '/discrepancies', label: 'Discrepancies', icon: IconScaleOutline, waiting: nothing },
      { to: '/administration', label: 'Administration', icon: IconSettings, waiting: nothing },
    ],
  },
] as const;
