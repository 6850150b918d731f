import { createRoute } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { lazyScreen } from '@/app/lazyScreen';
import { oneOf, texts } from '@/lib/searchParams';
import { parseBacktestsSearch, parseCompareSearch, VIEWS } from './search';

const getParentRoute = () => deskRoute;

export const backtestRoutes = [
  createRoute({
    getParentRoute,
    path: '/backtests',
    validateSearch: parseBacktestsSearch,
    component: lazyScreen(() => import('./BacktestsPage'), 'BacktestsPage'),
  }),
  createRoute({
    getParentRoute,
    path: '/backtests/new',
    validateSearch: (raw: Record<string, unknown>) => texts(raw, 'from', 'sweep'),
    component: lazyScreen(() => import('./NewBacktestPage'), 'NewBacktestPage'),
  }),
  createRoute({
    getParentRoute,
    path: '/backtests/compare',
    validateSearch: parseCompareSearch,
    component: lazyScreen(() => import('./ComparePage'), 'ComparePage'),
  }),
  createRoute({
    getParentRoute,
    path: '/backtests/sweeps/$id',
    validateSearch: (raw: Record<string, unknown>) => texts(raw, 'filter', 'sort'),
    component: lazyScreen(() => import('./SweepPage'), 'SweepPage'),
  }),
  createRoute({
    getParentRoute,
    path: '/backtests/$id',
    validateSearch: (raw: Record<string, unknown>) => ({
      ...oneOf(raw, 'view', VIEWS),
      ...texts(raw, 'filter', 'sort'),
    }),
    component: lazyScreen(() => import('./BacktestPage'), 'BacktestPage'),
  }),
] as const;
