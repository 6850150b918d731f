import type { QueryClient } from '@tanstack/react-query';
import { createBrowserHistory, createRouter, type RouterHistory } from '@tanstack/react-router';
import { PageFailure } from '@/components/PageFailure';
import { PageSkeleton } from '@/components/PageSkeleton';
import { accountRoute } from '@/features/account/route';
import { administrationRoute, administrationSectionRoute } from '@/features/administration/route';
import { alertsRoute } from '@/features/alerts/route';
import { backtestRoutes } from '@/features/backtests/route';
import { chainRoute } from '@/features/chain/route';
import { dashboardRoute } from '@/features/dashboard/route';
import { discrepanciesRoute } from '@/features/discrepancies/route';
import { executionsRoute } from '@/features/executions/route';
import { journalRoute } from '@/features/journal/route';
import { loginRoute } from '@/features/login/route';
import { logsRoute } from '@/features/logs/route';
import { opportunitiesRoute } from '@/features/opportunities/route';
import { orderRoute, ordersRoute } from '@/features/orders/route';
import { portfolioRoute } from '@/features/portfolio/route';
import { cardRoute, queueRoute } from '@/features/recommendations/route';
import { strategiesRoute, strategyRoute } from '@/features/strategies/route';
import { parseSearch, stringifySearch } from '@/lib/searchParams';
import { deskRoute, rootRoute } from './deskRoute';
import { NotFound } from './NotFound';

/** Every screen. A new one is its feature's `route.tsx`, a line here and one in `screens.ts`. */
const routeTree = rootRoute.addChildren([
  loginRoute,
  deskRoute.addChildren([
    dashboardRoute,
    queueRoute,
    cardRoute,
    ordersRoute,
    orderRoute,
    executionsRoute,
    alertsRoute,
    portfolioRoute,
    strategiesRoute,
    strategyRoute,
    opportunitiesRoute,
    chainRoute,
    discrepanciesRoute,
    journalRoute,
    ...backtestRoutes,
    administrationRoute,
    administrationSectionRoute,
    accountRoute,
    logsRoute,
  ]),
]);

/** The app's routes; `history` is the browser's unless a test brings its own. */
export function createAppRouter(queries: QueryClient, history?: RouterHistory) {
  return createRouter({
    routeTree,
    history: history ?? createBrowserHistory(),
    context: { queries },
    parseSearch,
    stringifySearch,
    defaultPreload: 'intent',
    defaultPreloadStaleTime: 0,
    defaultErrorComponent: ({ error, reset }) => <PageFailure error={error} onRetry={reset} />,
    defaultPendingComponent: PageSkeleton,
    defaultNotFoundComponent: NotFound,
    scrollRestoration: true,
  });
}

export type AppRouter = ReturnType<typeof createAppRouter>;

declare module '@tanstack/react-router' {
  interface Register {
    router: AppRouter;
  }
}
