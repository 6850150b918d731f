import { createRoute } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { lazyScreen } from '@/app/lazyScreen';
import { parseOpportunitiesSearch } from './search';

export const opportunitiesRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/opportunities',
  validateSearch: parseOpportunitiesSearch,
  component: lazyScreen(() => import('./OpportunitiesPage'), 'OpportunitiesPage'),
});
