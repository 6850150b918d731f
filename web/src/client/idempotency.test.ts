import { afterEach, describe, expect, it, vi } from 'vitest';
import { api } from './api';

function answering(...answers: (() => Response)[]): Request[] {
  const sent: Request[] = [];
  vi.stubGlobal('fetch', (request: Request) => {
    sent.push(request);
    const answer = answers[sent.length - 1];
    return answer === undefined ? Promise.reject(new TypeError('gone')) : Promise.resolve(answer());
  });
  return sent;
}

const created = () => Response.json({}, { status: 201 });
const away = (): Response => {
  throw new TypeError('gone');
};
const make = (slug: string) => api.POST('/api/clients/', { body: { slug, name: 'C' } });
const keyOf = (request: Request | undefined) => request?.headers.get('Idempotency-Key');

describe('commands', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('keep their key until they are answered, and are another command afterwards', async () => {
    const sent = answering(away, created, created);
    await make('c').catch(() => undefined);
    await make('c');
    await make('c');
    expect(keyOf(sent[0])).toMatch(/^[\w-]{21}$/);
    expect(keyOf(sent[1])).toBe(keyOf(sent[0]));
    expect(keyOf(sent[2])).not.toBe(keyOf(sent[1]));
  });

  it('keep their key where only a proxy answered', async () => {
    const sent = answering(() => new Response('', { status: 502 }), created);
    await make('e').catch(() => undefined);
    await make('e');
    expect(keyOf(sent[1])).toBe(keyOf(sent[0]));
  });

  it('have a key each', async () => {
    const sent = answering(away, created);
    await make('c').catch(() => undefined);
    await make('d');
    expect(keyOf(sent[1])).not.toBe(keyOf(sent[0]));
  });

  it('are told from reads, which need none', async () => {
    const sent = answering(() => Response.json({ items: [], next_cursor: null }));
    await api.GET('/api/clients/', {});
    expect(keyOf(sent[0])).toBeNull();
  });
});
