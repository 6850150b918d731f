import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { onSignedOut } from '@/client/api';
import { LazyToasts } from './LazyToasts';
import { createQueryClient } from './queryClient';
import { createAppRouter } from './router';
import { cssVariables, theme } from './theme';

declare global {
  interface Window {
    /** Under which the content security policy lets libraries write style elements. */
    __webpack_nonce__?: string;
  }
}

const queries = createQueryClient();
const router = createAppRouter(queries);
const colorScheme = localStorageColorSchemeManager({ key: 'greenlight-color-scheme' });

onSignedOut(() => {
  const { pathname, href } = router.state.location;
  if (pathname === '/login') return;
  // Nothing of the last session may be shown to whoever signs in next.
  queries.clear();
  void router.navigate({ to: '/login', search: { return: href } });
});

export function App() {
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      colorSchemeManager={colorScheme}
      defaultColorScheme="auto"
      getStyleNonce={() => window.__webpack_nonce__ ?? ''}
    >
      <LazyToasts />
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  );
}
