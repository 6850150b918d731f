import { createRoute } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { lazyScreen } from '@/app/lazyScreen';
import { parseStrategiesSearch } from './search';

export const strategiesRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/strategies',
  validateSearch: parseStrategiesSearch,
  component: lazyScreen(() => import('./StrategiesPage'), 'StrategiesPage'),
});

export const strategyRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/strategies/$id',
  component: lazyScreen(() => import('./StrategyPage'), 'StrategyPage'),
});
