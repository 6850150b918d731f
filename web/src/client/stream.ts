/**
 * The live connection to the desk. It carries no data, only notices of what changed; whoever reads
 * that reads it again. After every interruption everything is read again, since notices were missed.
 */
import { type Change, parseChange } from './changes';

export type StreamStatus = 'connecting' | 'live' | 'lost';

export interface StreamState {
  status: StreamStatus;
  /** When the connection was lost, epoch milliseconds; null unless it is lost. */
  lostAt: number | null;
}

interface Source {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void;
  close(): void;
}

export interface StreamOptions {
  open: () => Source;
  onChange: (change: Change) => void;
  /** Called at every connection: what was read before it may be out of date. */
  onCaughtUp: () => void;
  /** Called when the server refuses the connection, which may mean that the session has ended. */
  onRefused: () => void;
}

const CLOSED = 2;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 15_000;
/** Three missed heartbeats of 15 s; only watched once the server has sent one as an event. */
const SILENCE_MS = 45_000;

export class DeskStream {
  readonly #options: StreamOptions;
  readonly #listeners = new Set<() => void>();
  #state: StreamState = { status: 'connecting', lostAt: null };
  #source: Source | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  #retryAfter = FIRST_RETRY_MS;

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  get state(): StreamState {
    return this.#state;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Opens the connection, replacing one that is open. */
  readonly connect = (): void => {
    this.close();
    const source = this.#options.open();
    this.#source = source;
    const current = (handle: (event: MessageEvent<string>) => void) => {
      return (event: MessageEvent<string>) => {
        if (this.#source === source) handle(event);
      };
    };
    source.addEventListener(
      'hello',
      current(() => this.#connected()),
    );
    source.addEventListener(
      'change',
      current((event) => this.#changed(event.data)),
    );
    source.addEventListener(
      'heartbeat',
      current(() => this.#watch()),
    );
    source.addEventListener(
      'error',
      current(() => this.#failed(source)),
    );
  };

  readonly close = (): void => {
    clearTimeout(this.#retry);
    clearTimeout(this.#watchdog);
    this.#source?.close();
    this.#source = null;
  };

  #connected(): void {
    this.#retryAfter = FIRST_RETRY_MS;
    this.#set({ status: 'live', lostAt: null });
    this.#options.onCaughtUp();
  }

  #changed(data: string): void {
    const change = parseChange(data);
    if (change !== null) this.#options.onChange(change);
  }

  #watch(): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => {
      this.#lost();
      this.connect();
    }, SILENCE_MS);
  }

  #failed(source: Source): void {
    this.#lost();
    // The browser retries a dropped connection itself, but gives up on an HTTP error.
    if (source.readyState !== CLOSED) return;
    this.#options.onRefused();
    this.#retry = setTimeout(this.connect, this.#retryAfter);
    this.#retryAfter = Math.min(this.#retryAfter * 2, LAST_RETRY_MS);
  }

  #lost(): void {
    clearTimeout(this.#watchdog);
    if (this.#state.status !== 'lost') this.#set({ status: 'lost', lostAt: Date.now() });
  }

  #set(state: StreamState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
