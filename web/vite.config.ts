import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import type { Rolldown } from 'vite';
import { defineConfig } from 'vitest/config';
import { firstLoadOf } from './firstLoad';

const API = process.env.GREENLIGHT_API ?? 'http://127.0.0.1:8400';

const ENTRY = fileURLToPath(new URL('./src/main.tsx', import.meta.url));
let needed: ReadonlySet<string> | undefined;

/** Whether the entry needs a module at once. */
function isFirstLoad(id: string, graph: Rolldown.ChunkingContext): boolean {
  needed ??= firstLoadOf(ENTRY, graph);
  return needed.has(id);
}

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    // The content security policy allows scripts from 'self' only, so nothing may be inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The first browsers with light-dark(), which the colours are built on.
    target: ['chrome123', 'edge123', 'firefox125', 'safari17.5'],
    sourcemap: true,
    rolldownOptions: {
      output: {
        // Few files of what is needed at once compress better than dozens of small ones.
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [
            {
              debugName: 'first load',
              // Apart, so that what lies between them in order of execution finds React ready.
              name: (id, graph) =>
                !isFirstLoad(id, graph) ? null : id.includes('node_modules') ? 'vendor' : 'desk',
            },
          ],
        },
      },
    },
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': API, '^/admin(/|$)': API },
  },
  test: {
    environment: 'jsdom',
    environmentOptions: { jsdom: { url: 'http://localhost/' } },
    setupFiles: ['./src/testing/setup.ts'],
    include: ['src/**/*.test.{ts,tsx}'],
    testTimeout: 20_000,
    restoreMocks: true,
    unstubGlobals: true,
  },
});
