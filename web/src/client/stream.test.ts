import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { batched } from './batch';
import { type Change, parseChange, readersOf } from './changes';
import { DeskStream } from './stream';

class FakeSource {
  readyState = 1;
  readonly #listeners = new Map<string, (event: MessageEvent<string>) => void>();

  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void {
    this.#listeners.set(type, listener);
  }

  close(): void {
    this.readyState = 2;
  }

  emit(type: string, data = ''): void {
    this.#listeners.get(type)?.(new MessageEvent(type, { data }));
  }
}

function world() {
  const sources: FakeSource[] = [];
  const changes: Change[] = [];
  let catchUps = 0;
  let refusals = 0;
  const stream = new DeskStream({
    open: () => {
      const source = new FakeSource();
      sources.push(source);
      return source;
    },
    onChange: (change) => changes.push(change),
    onCaughtUp: () => {
      catchUps += 1;
    },
    onRefused: () => {
      refusals += 1;
    },
  });
  stream.connect();
  const last = () => sources[sources.length - 1] as FakeSource;
  return { stream, sources, changes, last, catchUps: () => catchUps, refusals: () => refusals };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the live connection', () => {
  it('is live once the server has said hello, and passes changes on', () => {
    const { stream, last, changes } = world();
    expect(stream.state.status).toBe('connecting');
    last().emit('hello', '{}');
    last().emit('change', '{"table":"orders","id":"1"}');
    expect(stream.state.status).toBe('live');
    expect(changes).toEqual([{ table: 'orders' }]);
  });

  it('has everything read again at every connection, since notices were missed', () => {
    const { stream, last, catchUps } = world();
    last().emit('hello');
    last().emit('error');
    expect(stream.state.status).toBe('lost');
    last().emit('hello');
    expect(stream.state).toEqual({ status: 'live', lostAt: null });
    expect(catchUps()).toBe(2);
  });

  it('opens anew, ever more patiently, when the browser has given up', () => {
    const { sources, last } = world();
    for (const delay of [1_000, 2_000, 4_000, 8_000, 15_000, 15_000]) {
      const count = sources.length;
      last().readyState = 2;
      last().emit('error');
      vi.advanceTimersByTime(delay - 1);
      expect(sources.length).toBe(count);
      vi.advanceTimersByTime(1);
      expect(sources.length).toBe(count + 1);
    }
  });

  it('tells a refusal, which may be an ended session, from an interruption', () => {
    const { last, refusals } = world();
    last().emit('error');
    expect(refusals()).toBe(0);
    last().readyState = 2;
    last().emit('error');
    expect(refusals()).toBe(1);
  });

  it('is lost when heartbeats stop although the socket looks open', () => {
    const { stream, sources, last } = world();
    last().emit('hello');
    last().emit('heartbeat');
    vi.advanceTimersByTime(45_000);
    expect(stream.state.status).toBe('lost');
    expect(sources.length).toBe(2);
  });

  it('ignores what a replaced connection still says', () => {
    const { stream, sources, last, changes } = world();
    last().emit('hello');
    stream.connect();
    sources[0]?.emit('change', '{"table":"orders"}');
    sources[0]?.emit('error');
    expect(changes).toEqual([]);
    expect(stream.state.status).toBe('live');
  });
});

describe('what a change makes out of date', () => {
  it('is read again wherever the table is shown', () => {
    expect(readersOf('executions')).toEqual(['executions', 'orders', 'recommendations', 'journal']);
    expect(readersOf('account_snapshots')).toEqual(['desk', 'dashboard', 'portfolio', 'outlook']);
    expect(readersOf('alerts')).toEqual(['alerts', 'desk']);
  });

  it('is everything after a gap or for a table this build does not know', () => {
    const screens = ['desk', 'dashboard', 'portfolio', 'recommendations', 'orders', 'alerts'];
    expect(readersOf('*')).toEqual(expect.arrayContaining(screens));
    expect(readersOf('invented_later')).toEqual(readersOf('*'));
  });

  it('is nothing for an event that cannot be read', () => {
    for (const data of ['', 'null', '[]', '{"id":1}', '{"table":7}'])
      expect(parseChange(data)).toBeNull();
  });

  it('is gathered, so that one fill is one round of reads', () => {
    const rounds: string[][] = [];
    const tell = batched<string>((items) => rounds.push([...items]), 80);
    tell(['orders', 'desk']);
    tell(['orders', 'executions']);
    vi.advanceTimersByTime(80);
    tell([]);
    vi.advanceTimersByTime(80);
    expect(rounds).toEqual([['orders', 'desk', 'executions']]);
  });
});
