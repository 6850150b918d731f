import { createRoute } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { lazyScreen } from '@/app/lazyScreen';
import { text } from '@/lib/searchParams';

export const chainRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/chain',
  validateSearch: (raw: Record<string, unknown>) => ({
    ...text(raw, 'symbol'),
    ...text(raw, 'series'),
  }),
  component: lazyScreen(() => import('./ChainPage'), 'ChainPage'),
});
