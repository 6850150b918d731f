import { createRoute } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { lazyScreen } from '@/app/lazyScreen';
import { parseExecutionsSearch } from './search';

export const executionsRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/executions',
  validateSearch: parseExecutionsSearch,
  component: lazyScreen(() => import('./ExecutionsPage'), 'ExecutionsPage'),
});
