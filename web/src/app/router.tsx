import type { QueryClient } from '@tanstack/react-query';
import {
  createBrowserHistory,
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  type RouterHistory,
  redirect,
  retainSearchParams,
} from '@tanstack/react-router';
import { hasCode } from '@/client/problem';
import { meQuery } from '@/client/queries';
import { PageFailure } from '@/components/PageFailure';
import { PageSkeleton } from '@/components/PageSkeleton';
import { parseAlertsSearch } from '@/features/alerts/search';
import { parseExecutionsSearch } from '@/features/executions/search';
import { parseOrdersSearch } from '@/features/orders/search';
import { parseCardSearch, parseQueueSearch } from '@/features/recommendations/search';
import { rememberedClient } from '@/lib/rememberedClient';
import { parseSearch, stringifySearch, text } from '@/lib/searchParams';
import { Frame } from './Frame';
import { NotFound } from './NotFound';

interface RouterContext {
  queries: QueryClient;
}

const root = createRootRouteWithContext<RouterContext>()({ component: Outlet });

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (raw: Record<string, unknown>): { return?: string } => text(raw, 'return'),
  component: lazyRouteComponent(() => import('@/features/login/LoginPage'), 'LoginPage'),
});

const desk = createRoute({
  getParentRoute: () => root,
  id: 'desk',
  validateSearch: (raw: Record<string, unknown>): { client?: string } => text(raw, 'client'),
  search: { middlewares: [retainSearchParams(['client'])] },
  beforeLoad: async ({ context, location, search }) => {
    const me = await context.queries.ensureQueryData(meQuery).catch((error: unknown) => {
      if (!hasCode(error, 'NOT_AUTHENTICATED')) throw error;
      throw redirect({ to: '/login', search: { return: location.href } });
    });
    const remembered = rememberedClient();
    const isPermitted = me.clients.some((client) => client.slug === remembered);
    if (search.client === undefined && remembered !== null && isPermitted) {
      throw redirect({
        to: location.pathname,
        search: { ...search, client: remembered },
        replace: true,
      });
    }
  },
  component: Frame,
});

const home = createRoute({
  getParentRoute: () => desk,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/recommendations', replace: true });
  },
});

const queue = createRoute({
  getParentRoute: () => desk,
  path: '/recommendations',
  validateSearch: parseQueueSearch,
  component: lazyRouteComponent(() => import('@/features/recommendations/QueuePage'), 'QueuePage'),
});

const card = createRoute({
  getParentRoute: () => desk,
  path: '/recommendations/$id',
  validateSearch: parseCardSearch,
  component: lazyRouteComponent(() => import('@/features/recommendations/CardPage'), 'CardPage'),
});

const orders = createRoute({
  getParentRoute: () => desk,
  path: '/orders',
  validateSearch: parseOrdersSearch,
  component: lazyRouteComponent(() => import('@/features/orders/OrdersPage'), 'OrdersPage'),
});

const order = createRoute({
  getParentRoute: () => desk,
  path: '/orders/$id',
  component: lazyRouteComponent(() => import('@/features/orders/OrderPage'), 'OrderPage'),
});

const executions = createRoute({
  getParentRoute: () => desk,
  path: '/executions',
  validateSearch: parseExecutionsSearch,
  component: lazyRouteComponent(
    () => import('@/features/executions/ExecutionsPage'),
    'ExecutionsPage',
  ),
});

const alerts = createRoute({
  getParentRoute: () => desk,
  path: '/alerts',
  validateSearch: parseAlertsSearch,
  component: lazyRouteComponent(() => import('@/features/alerts/AlertsPage'), 'AlertsPage'),
});

const routeTree = root.addChildren([
  login,
  desk.addChildren([home, queue, card, orders, order, executions, alerts]),
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
