import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';

export const accountRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/account',
  component: lazyRouteComponent(() => import('./AccountPage'), 'AccountPage'),
});
