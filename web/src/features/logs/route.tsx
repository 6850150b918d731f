import { createRoute } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { lazyScreen } from '@/app/lazyScreen';
import { parseLogSearch } from './search';

export const logsRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/logs/$log',
  validateSearch: parseLogSearch,
  component: lazyScreen(() => import('./LogPage'), 'LogPage'),
});
