import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';

export const logsRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/logs/$log',
  component: lazyRouteComponent(() => import('./LogPage'), 'LogPage'),
});
