import createClient, { type Middleware } from 'openapi-fetch';
import { forget, name } from './idempotency';
import { NO_ANSWER, noAnswer, noAnswerInTime, ProblemError, problemFrom } from './problem';
import type { paths } from './schema';

type Listener = () => void;

const signedOutListeners = new Set<Listener>();

/** Calls `listener` whenever the API answers that nobody is signed in. */
export function onSignedOut(listener: Listener): () => void {
  signedOutListeners.add(listener);
  return () => signedOutListeners.delete(listener);
}

const LOGIN_PATH = '/api/auth/login/';

function isNamed(error: unknown, name: 'AbortError' | 'TimeoutError'): error is Error {
  return (error as { name?: unknown } | null)?.name === name;
}

/** What stopped a request, in words; one that nobody waits for any more is no failure. */
function reasonOf(error: unknown): Error {
  if (isNamed(error, 'AbortError')) return error;
  return isNamed(error, 'TimeoutError') ? noAnswerInTime() : noAnswer();
}

const middleware: Middleware = {
  async onRequest({ request }) {
    await name(request);
    // Other sites cannot set this header, which is how the API tells our requests from theirs.
    request.headers.set('X-Greenlight', '1');
    return request;
  },
  onResponse({ request, response }) {
    forget(request, response);
    if (response.status === 401 && !request.url.endsWith(LOGIN_PATH)) {
      for (const listener of signedOutListeners) listener();
    }
  },
  onError: ({ error }) => reasonOf(error),
};

/** Nobody looks at a skeleton for longer; a command may have to wait for the broker. */
const READ_MS = 20_000;
const COMMAND_MS = 150_000;

/**
 * An answer to its last byte, or after a while the end of the waiting: a page that loads for ever
 * says nothing. `AbortSignal.timeout` would do the same, but no test could turn its clock.
 */
function patiently(request: Request): Promise<Response> {
  const patience = new AbortController();
  setTimeout(
    () => patience.abort(new DOMException('No answer in time', 'TimeoutError')),
    request.method === 'GET' ? READ_MS : COMMAND_MS,
  );
  // Looked up at each call so that a test can put its own in place.
  return globalThis.fetch(request, { signal: AbortSignal.any([request.signal, patience.signal]) });
}

export const api = createClient<paths, 'application/json'>({
  baseUrl: window.location.origin,
  querySerializer: { array: { style: 'form', explode: true } },
  fetch: patiently,
});
api.use(middleware);

interface Answered<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of a good answer; throws `ProblemError` for any other. */
export async function answerOf<T>(call: Promise<Answered<T>>): Promise<T> {
  const { data, error, response } = await call.catch((error: unknown) => {
    // Of the body, which the middleware does not see.
    throw isNamed(error, 'TimeoutError') ? noAnswerInTime() : error;
  });
  if (!response.ok) throw problemFrom(response.status, error);
  return data as T;
}

/** Whether trying the same request again may help, unasked: one that took long may take long again. */
export function isWorthRetrying(error: unknown): boolean {
  if (!(error instanceof ProblemError)) return true;
  const { code, status } = error.facts;
  return code === NO_ANSWER || status >= 500;
}
