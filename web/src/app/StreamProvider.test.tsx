import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { StreamProvider } from './StreamProvider';

const sources: FakeSource[] = [];

class FakeSource {
  isOpen = true;
  constructor() {
    sources.push(this);
  }
  addEventListener() {}
  close() {
    this.isOpen = false;
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('EventSource', FakeSource);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function look(state: DocumentVisibilityState) {
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue(state);
  document.dispatchEvent(new Event('visibilitychange'));
}

it('leaves the connection of a tab that nobody looks at to the others, and takes it up again', () => {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <StreamProvider>the desk</StreamProvider>
    </QueryClientProvider>,
  );
  const open = () => sources.filter((source) => source.isOpen).length;
  expect(open()).toBe(1);
  look('hidden');
  vi.advanceTimersByTime(10_000);
  look('visible');
  vi.advanceTimersByTime(60_000);
  expect([open(), sources.length]).toEqual([1, 1]);

  look('hidden');
  vi.advanceTimersByTime(60_000);
  expect(open()).toBe(0);
  look('visible');
  expect([open(), sources.length]).toEqual([1, 2]);
});
