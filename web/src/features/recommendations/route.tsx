import { createRoute } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { lazyScreen } from '@/app/lazyScreen';
import { parseCardSearch, parseQueueSearch } from './search';

export const queueRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/recommendations',
  validateSearch: parseQueueSearch,
  component: lazyScreen(() => import('./QueuePage'), 'QueuePage'),
});

export const cardRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/recommendations/$id',
  validateSearch: parseCardSearch,
  component: lazyScreen(() => import('./CardPage'), 'CardPage'),
});
