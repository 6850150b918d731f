import { createRoute } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { lazyScreen } from '@/app/lazyScreen';
import { oneOf, texts } from '@/lib/searchParams';

const VIEWS = ['open', 'cleared', 'all'] as const;

export type DiscrepancyView = (typeof VIEWS)[number];

export const discrepanciesRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/discrepancies',
  validateSearch: (raw: Record<string, unknown>) => ({
    ...oneOf(raw, 'show', VIEWS),
    ...texts(raw, 'account', 'filter', 'sort'),
  }),
  component: lazyScreen(() => import('./DiscrepanciesPage'), 'DiscrepanciesPage'),
});
