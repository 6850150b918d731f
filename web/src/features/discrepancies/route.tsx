import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { oneOf, text } from '@/lib/searchParams';

const VIEWS = ['open', 'cleared', 'all'] as const;

export type DiscrepancyView = (typeof VIEWS)[number];

export const discrepanciesRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/discrepancies',
  validateSearch: (raw: Record<string, unknown>) => ({
    ...oneOf(raw, 'show', VIEWS),
    ...text(raw, 'account'),
    ...text(raw, 'filter'),
    ...text(raw, 'sort'),
  }),
  component: lazyRouteComponent(() => import('./DiscrepanciesPage'), 'DiscrepanciesPage'),
});
