import createClient, { type Middleware } from 'openapi-fetch';
import { noAnswer, ProblemError, problemFrom } from './problem';
import type { paths } from './schema';

type Listener = () => void;

const signedOutListeners = new Set<Listener>();

/** Calls `listener` whenever the API answers that nobody is signed in. */
export function onSignedOut(listener: Listener): () => void {
  signedOutListeners.add(listener);
  return () => signedOutListeners.delete(listener);
}

const LOGIN_PATH = '/api/auth/login/';

const middleware: Middleware = {
  onRequest({ request }) {
    // Other sites cannot set this header, which is how the API tells our requests from theirs.
    request.headers.set('X-Greenlight', '1');
    return request;
  },
  onResponse({ request, response }) {
    if (response.status === 401 && !request.url.endsWith(LOGIN_PATH)) {
      for (const listener of signedOutListeners) listener();
    }
  },
  onError({ error }) {
    return error instanceof DOMException && error.name === 'AbortError' ? error : noAnswer();
  },
};

export const api = createClient<paths>({
  baseUrl: window.location.origin,
  querySerializer: { array: { style: 'form', explode: true } },
  // Looked up at each call so that a test can put its own in place.
  fetch: (request) => globalThis.fetch(request),
});
api.use(middleware);

interface Answered<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of a good answer; throws `ProblemError` for any other. */
export async function answerOf<T>(call: Promise<Answered<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw problemFrom(response.status, error);
  return data as T;
}

/** Whether trying the same request again may help. */
export function isWorthRetrying(error: unknown): boolean {
  return !(error instanceof ProblemError) || error.facts.status === 0 || error.facts.status >= 500;
}
