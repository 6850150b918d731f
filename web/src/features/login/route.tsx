import { createRoute } from '@tanstack/react-router';
import { rootRoute } from '@/app/deskRoute';
import { lazyScreen } from '@/app/lazyScreen';
import { text } from '@/lib/searchParams';

export const loginRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/login',
  validateSearch: (raw: Record<string, unknown>): { return?: string } => text(raw, 'return'),
  component: lazyScreen(() => import('./LoginPage'), 'LoginPage'),
});
