import { vi } from 'vitest';

interface Answer {
  status?: number;
  body: unknown;
}

export interface Call {
  method: string;
  path: string;
  search: URLSearchParams;
  headers: Headers;
  body: unknown;
}

type Handler = Answer | ((call: Call) => Answer | Promise<Answer>);

/**
 * Stands in for the API behind `fetch`. Handlers are named `GET /api/me/`; what is not named
 * answers 404, and every call is recorded.
 */
export function fakeApi(handlers: Record<string, Handler>): Call[] {
  const calls: Call[] = [];
  const answer = async (request: Request | string): Promise<Response> => {
    if (request === '/healthz') return new Response();
    if (typeof request === 'string') throw new TypeError(`nobody answers at ${request}`);
    const { pathname: path, searchParams: search } = new URL(request.url);
    const text = await request.text();
    const call: Call = {
      method: request.method,
      path,
      search,
      headers: request.headers,
      body: text === '' ? null : JSON.parse(text),
    };
    calls.push(call);
    const handler = handlers[`${request.method} ${path}`] ?? notFound;
    const { status = 200, body } = typeof handler === 'function' ? await handler(call) : handler;
    const type = status < 400 ? 'application/json' : 'application/problem+json';
    return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': type } });
  };
  vi.stubGlobal('fetch', answer);
  return calls;
}

export function problem(status: number, code: string, title: string, advice: string): Answer {
  return {
    status,
    body: { type: `urn:greenlight:${code}`, title, status, detail: '', code, advice },
  };
}

const notFound = problem(404, 'NOT_FOUND', 'Not found', 'It may belong to another client.');
