import { createRoute } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { lazyScreen } from '@/app/lazyScreen';
import { parseAlertsSearch } from './search';

export const alertsRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/alerts',
  validateSearch: parseAlertsSearch,
  component: lazyScreen(() => import('./AlertsPage'), 'AlertsPage'),
});
