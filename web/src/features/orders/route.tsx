import { createRoute } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { lazyScreen } from '@/app/lazyScreen';
import { parseOrdersSearch } from './search';

export const ordersRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/orders',
  validateSearch: parseOrdersSearch,
  component: lazyScreen(() => import('./OrdersPage'), 'OrdersPage'),
});

export const orderRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/orders/$id',
  component: lazyScreen(() => import('./OrderPage'), 'OrderPage'),
});
