import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  Outlet,
  redirect,
  retainSearchParams,
} from '@tanstack/react-router';
import { hasCode } from '@/client/problem';
import { meQuery } from '@/client/queries';
import { rememberedClient } from '@/lib/rememberedClient';
import { text } from '@/lib/searchParams';
import { Frame } from './Frame';

export interface RouterContext {
  queries: QueryClient;
}

export const rootRoute = createRootRouteWithContext<RouterContext>()({ component: Outlet });

/** The parent of every screen: somebody is signed in, and the frame is around it. */
export const deskRoute = createRoute({
  getParentRoute: () => rootRoute,
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
