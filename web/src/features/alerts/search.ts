import type { AlertState } from '@/client/schema';
import { oneOf, text } from '@/lib/searchParams';

export const ALERT_VIEWS = ['open', 'acknowledged', 'cleared', 'all'] as const;
export type AlertView = (typeof ALERT_VIEWS)[number];

export interface AlertsSearch {
  show?: AlertView;
  filter?: string;
}

export const ALERT_STATES_OF: Record<AlertView, AlertState[] | undefined> = {
  open: ['OPEN'],
  acknowledged: ['ACKNOWLEDGED'],
  cleared: ['CLEARED'],
  all: undefined,
};

export function parseAlertsSearch(raw: Record<string, unknown>): AlertsSearch {
  return { ...oneOf(raw, 'show', ALERT_VIEWS), ...text(raw, 'filter') };
}
