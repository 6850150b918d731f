import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { parseOpportunitiesSearch } from './search';

export const opportunitiesRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/opportunities',
  validateSearch: parseOpportunitiesSearch,
  component: lazyRouteComponent(() => import('./OpportunitiesPage'), 'OpportunitiesPage'),
});
