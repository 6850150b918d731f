import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { oneOf, texts } from '@/lib/searchParams';
import { parseBacktestsSearch, parseCompareSearch, VIEWS } from './search';

const getParentRoute = () => deskRoute;

export const backtestRoutes = [
  createRoute({
    getParentRoute,
    path: '/backtests',
    validateSearch: parseBacktestsSearch,
    component: lazyRouteComponent(() => import('./BacktestsPage'), 'BacktestsPage'),
  }),
  createRoute({
    getParentRoute,
    path: '/backtests/new',
    validateSearch: (raw: Record<string, unknown>) => texts(raw, 'from', 'sweep'),
    component: lazyRouteComponent(() => import('./NewBacktestPage'), 'NewBacktestPage'),
  }),
  createRoute({
    getParentRoute,
    path: '/backtests/compare',
    validateSearch: parseCompareSearch,
    component: lazyRouteComponent(() => import('./ComparePage'), 'ComparePage'),
  }),
  createRoute({
    getParentRoute,
    path: '/backtests/sweeps/$id',
    validateSearch: (raw: Record<string, unknown>) => texts(raw, 'filter', 'sort'),
    component: lazyRouteComponent(() => import('./SweepPage'), 'SweepPage'),
  }),
  createRoute({
    getParentRoute,
    path: '/backtests/$id',
    validateSearch: (raw: Record<string, unknown>) => ({
      ...oneOf(raw, 'view', VIEWS),
      ...texts(raw, 'filter', 'sort'),
    }),
    component: lazyRouteComponent(() => import('./BacktestPage'), 'BacktestPage'),
  }),
] as const;
