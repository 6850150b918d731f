import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { parseExecutionsSearch } from './search';

export const executionsRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/executions',
  validateSearch: parseExecutionsSearch,
  component: lazyRouteComponent(() => import('./ExecutionsPage'), 'ExecutionsPage'),
});
