import { createRoute } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { lazyScreen } from '@/app/lazyScreen';
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
  component: lazyScreen(() => import('./JournalPage'), 'JournalPage'),
});
