import type { KillSwitchPreview, KillSwitchReport, TradingState } from '@/client/schema';

export const STATE_CHOICES: Record<TradingState, { verb: string; consequence: string }> = {
  ACTIVE: {
    verb: 'Resume trading',
    consequence: 'Approved orders are sent again.',
  },
  REDUCING: {
    verb: 'Only reduce risk',
    consequence: 'Only orders that are proven to reduce risk are sent. Nothing is cancelled.',
  },
  HALTED: {
    verb: 'Halt',
    consequence: 'No new order is sent. What is at the broker keeps working.',
  },
};

/** What pressing the kill switch would do, in one sentence. */
export function killSentence({ trades, working_orders, unsent_trades }: KillSwitchPreview): string {
  if (trades.length === 0) return 'No approved trade is under way: nothing has to be cancelled.';
  const parts = [
    working_orders > 0 && `${count(working_orders, 'order')} at the broker will be cancelled`,
    unsent_trades > 0 && `${count(unsent_trades, 'approved trade')} will not be sent`,
  ].filter((part) => part !== false);
  const words =
    parts.length > 0 ? parts.join(' and ') : `${count(trades.length, 'trade')} will end`;
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}. What is filled stays.`;
}

export function killVerb({ working_orders }: KillSwitchPreview): string {
  if (working_orders === 0) return 'Halt now';
  return `Halt and cancel ${count(working_orders, 'order')}`;
}

export function reportSentence({ complete, unconfirmed, trades }: KillSwitchReport): string {
  if (trades.length === 0) return 'Trading is halted. Nothing was under way.';
  if (complete) return 'Trading is halted, and nothing withdrawn can trade any more.';
  return `Trading is halted. ${count(unconfirmed, 'trade')} not confirmed yet: the broker’s books are asked until each is.`;
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
