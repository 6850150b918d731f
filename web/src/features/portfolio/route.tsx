import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { oneOf, text } from '@/lib/searchParams';

const VIEWS = ['positions', 'underlyings', 'stress', 'margin', 'calendar'] as const;

export type PortfolioView = (typeof VIEWS)[number];

export const portfolioRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/risk',
  validateSearch: (raw: Record<string, unknown>) => ({
    ...oneOf(raw, 'view', VIEWS),
    ...text(raw, 'account'),
    ...text(raw, 'filter'),
    ...text(raw, 'sort'),
  }),
  component: lazyRouteComponent(() => import('./PortfolioPage'), 'PortfolioPage'),
});
