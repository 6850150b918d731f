import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { oneOf, texts } from '@/lib/searchParams';

const VIEWS = ['results', 'cycles', 'decisions'] as const;
const DECISIONS = ['APPROVE', 'REJECT'] as const;

export const journalRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/journal',
  validateSearch: (raw: Record<string, unknown>) => ({
    ...oneOf(raw, 'view', VIEWS),
    ...oneOf(raw, 'decision', DECISIONS),
    ...texts(raw, 'account', 'since', 'strategy', 'approver', 'filter', 'sort'),
  }),
  component: lazyRouteComponent(() => import('./JournalPage'), 'JournalPage'),
});
