import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createMemoryHistory, RouterProvider } from '@tanstack/react-router';
import { render } from '@testing-library/react';
import { vi } from 'vitest';
import { createAppRouter } from '@/app/router';
import { desk, me } from './factories';
import { type Call, fakeApi } from './fakeApi';

/** A line on which nothing arrives but what `tellOf` says. */
class FakeEventSource extends EventTarget {
  static last: FakeEventSource | undefined;
  readyState = 1;

  constructor() {
    super();
    FakeEventSource.last = this;
  }

  close() {}
}

/** As the desk tells that rows of `table` changed. */
export function tellOf(table: string): void {
  const data = JSON.stringify({ table });
  FakeEventSource.last?.dispatchEvent(new MessageEvent('change', { data }));
}

/** The whole app at `address`, signed in, over a fake API; `handlers` add to or replace its own. */
export function renderApp(address: string, handlers: Parameters<typeof fakeApi>[0]): Call[] {
  vi.stubGlobal('EventSource', FakeEventSource);
  const calls = fakeApi({
    'GET /api/auth/me/': { body: me },
    'GET /api/desk/': { body: desk() },
    ...handlers,
  });
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const router = createAppRouter(queries, createMemoryHistory({ initialEntries: [address] }));
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  return calls;
}
