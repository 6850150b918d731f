import { createRoute } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { lazyScreen } from '@/app/lazyScreen';

export const accountRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/account',
  component: lazyScreen(() => import('./AccountPage'), 'AccountPage'),
});
