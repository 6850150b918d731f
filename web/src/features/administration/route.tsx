import { createRoute } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { lazyScreen } from '@/app/lazyScreen';
import { text } from '@/lib/searchParams';

const component = lazyScreen(() => import('./AdministrationPage'), 'AdministrationPage');

export const administrationRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/administration',
  component,
});

export const administrationSectionRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/administration/$section',
  // Whose limits are shown.
  validateSearch: (raw: Record<string, unknown>) => text(raw, 'of'),
  component,
});
