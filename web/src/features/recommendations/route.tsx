import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { parseCardSearch, parseQueueSearch } from './search';

export const queueRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/recommendations',
  validateSearch: parseQueueSearch,
  component: lazyRouteComponent(() => import('./QueuePage'), 'QueuePage'),
});

export const cardRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/recommendations/$id',
  validateSearch: parseCardSearch,
  component: lazyRouteComponent(() => import('./CardPage'), 'CardPage'),
});
