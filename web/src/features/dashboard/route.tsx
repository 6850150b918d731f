import { createRoute } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { lazyScreen } from '@/app/lazyScreen';
import { PERIODS } from '@/lib/periods';
import { oneOf } from '@/lib/searchParams';

export const dashboardRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/',
  validateSearch: (raw: Record<string, unknown>) => oneOf(raw, 'period', PERIODS),
  component: lazyScreen(() => import('./DashboardPage'), 'DashboardPage'),
});
