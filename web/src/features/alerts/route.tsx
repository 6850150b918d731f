import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { parseAlertsSearch } from './search';

export const alertsRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/alerts',
  validateSearch: parseAlertsSearch,
  component: lazyRouteComponent(() => import('./AlertsPage'), 'AlertsPage'),
});
