import type { AlertState, Severity } from '@/client/schema';
import { manyOf, oneOf, texts } from '@/lib/searchParams';

export const ALERT_VIEWS = ['open', 'acknowledged', 'cleared', 'all'] as const;
export type AlertView = (typeof ALERT_VIEWS)[number];
export const ALERT_SEVERITIES = ['CRITICAL', 'WARNING', 'INFO'] as const satisfies Severity[];

export interface AlertsSearch {
  show?: AlertView;
  severity?: Severity[];
  account?: string;
  filter?: string;
}

export const ALERT_STATES_OF: Record<AlertView, AlertState[] | undefined> = {
  open: ['OPEN'],
  acknowledged: ['ACKNOWLEDGED'],
  cleared: ['CLEARED'],
  all: undefined,
};

export function parseAlertsSearch(raw: Record<string, unknown>): AlertsSearch {
  return {
    ...oneOf(raw, 'show', ALERT_VIEWS),
    ...manyOf(raw, 'severity', ALERT_SEVERITIES),
    ...texts(raw, 'account', 'filter'),
  };
}
