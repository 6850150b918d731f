import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { parseStrategiesSearch } from './search';

export const strategiesRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/strategies',
  validateSearch: parseStrategiesSearch,
  component: lazyRouteComponent(() => import('./StrategiesPage'), 'StrategiesPage'),
});

export const strategyRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/strategies/$id',
  component: lazyRouteComponent(() => import('./StrategyPage'), 'StrategyPage'),
});
