import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';

const component = lazyRouteComponent(() => import('./AdministrationPage'), 'AdministrationPage');

export const administrationRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/administration',
  component,
});

export const administrationSectionRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/administration/$section',
  component,
});
