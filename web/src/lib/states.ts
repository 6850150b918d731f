/** The states of the desk in colour and word. */

export type Tone = 'neutral' | 'info' | 'ok' | 'warn' | 'danger';

export interface StateWords {
  tone: Tone;
  meaning: string;
}

export const RECOMMENDATION_STATES = {
  PROPOSED: { tone: 'info', meaning: 'Waits for a decision.' },
  APPROVED: { tone: 'info', meaning: 'Approved; the order is being carried out.' },
  REJECTED: { tone: 'neutral', meaning: 'Refused by a person.' },
  EXPIRED: { tone: 'neutral', meaning: 'The deadline passed without a decision.' },
  SUPERSEDED: { tone: 'neutral', meaning: 'Replaced by a newer recommendation.' },
  DENIED: {
    tone: 'danger',
    meaning: 'Approved, then refused by the controls. Nothing is working.',
  },
  COMPLETED: { tone: 'ok', meaning: 'Approved and filled.' },
  LAPSED: { tone: 'warn', meaning: 'Approved, but the order ended without a full fill.' },
} as const satisfies Record<string, StateWords>;

export const ORDER_STATES = {
  READY: { tone: 'info', meaning: 'Built, not sent yet.' },
  DENIED: { tone: 'danger', meaning: 'Refused by the controls before it was sent.' },
  SENDING: { tone: 'info', meaning: 'On its way to the broker.' },
  WORKING: { tone: 'info', meaning: 'The broker has it; nothing is filled yet.' },
  PARTIAL: { tone: 'info', meaning: 'Partly filled; the rest is working.' },
  FILLED: { tone: 'ok', meaning: 'Filled in full.' },
  CANCEL_PENDING: { tone: 'warn', meaning: 'Cancel requested; a fill may still arrive.' },
  CANCELLED: { tone: 'neutral', meaning: 'Cancelled; proven by the broker’s books.' },
  LAPSED: { tone: 'warn', meaning: 'The day ended without a full fill.' },
  REJECTED: { tone: 'danger', meaning: 'Rejected by the broker.' },
  UNKNOWN: { tone: 'danger', meaning: 'Sent or perhaps sent; not proven either way.' },
  NOT_SENT: { tone: 'neutral', meaning: 'Declared by a person never to have reached the broker.' },
  ENDED: { tone: 'neutral', meaning: 'Declared over by a person, on evidence kept with it.' },
  QUARANTINE: { tone: 'danger', meaning: 'The broker’s record contradicts ours.' },
} as const satisfies Record<string, StateWords>;

export const ALERT_STATES = {
  OPEN: { tone: 'warn', meaning: 'Nobody has acknowledged it.' },
  ACKNOWLEDGED: { tone: 'info', meaning: 'Seen by a person; the cause may last.' },
  CLEARED: { tone: 'neutral', meaning: 'The cause is gone.' },
} as const satisfies Record<string, StateWords>;

export const SEVERITIES = {
  INFO: { tone: 'info', meaning: 'For information.' },
  WARNING: { tone: 'warn', meaning: 'Look at it today.' },
  CRITICAL: { tone: 'danger', meaning: 'Look at it now.' },
} as const satisfies Record<string, StateWords>;

export const RUN_STATES = {
  RUNNING: { tone: 'info', meaning: 'The run is under way.' },
  COMPLETED: { tone: 'ok', meaning: 'The run went through.' },
  FAILED: { tone: 'danger', meaning: 'The run stopped with an error.' },
  CANCELLED: { tone: 'neutral', meaning: 'Somebody stopped the run.' },
} as const satisfies Record<string, StateWords>;

export const TRADING_STATES = {
  ACTIVE: { tone: 'ok', meaning: 'Approved orders are sent.' },
  REDUCING: { tone: 'warn', meaning: 'Only orders that reduce risk are sent.' },
  HALTED: { tone: 'danger', meaning: 'No new orders are sent.' },
} as const satisfies Record<string, StateWords>;

export const CONNECTIONS = {
  CONNECTED: { tone: 'ok', meaning: 'In step with the broker.' },
  SYNCING: { tone: 'warn', meaning: 'Connected; reading the broker’s books.' },
  DISCONNECTED: { tone: 'danger', meaning: 'No connection to the broker.' },
} as const satisfies Record<string, StateWords>;

/** How good the prices are that strategies and controls see. */
export const QUOTE_QUALITIES = {
  LIVE: { tone: 'ok', meaning: 'Prices come as the exchange makes them.' },
  FROZEN: { tone: 'neutral', meaning: 'The last prices before the close.' },
  DELAYED: {
    tone: 'warn',
    meaning: 'The broker sends delayed prices. Nothing is traded on them.',
  },
  MISSING: { tone: 'danger', meaning: 'The broker sends no prices.' },
} as const satisfies Record<string, StateWords>;

/** `CANCEL_PENDING` → `CANCEL PENDING`. */
export function stateWord(state: string): string {
  return state.replaceAll('_', ' ');
}
