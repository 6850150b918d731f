import { newKey } from '@/lib/newKey';

const KEY = 'Idempotency-Key';
/** The keys of commands that got no answer yet, by what was sent. */
const unanswered = new Map<string, string>();

/** Gives a command a key: the same request gets the same one until it is answered. */
export async function name(request: Request): Promise<void> {
  if (request.method === 'GET' || request.headers.has(KEY)) return;
  const fresh = newKey();
  // What proves who somebody is stays nowhere.
  if (request.url.includes('/auth/')) return request.headers.set(KEY, fresh);
  const sent = `${request.method} ${request.url} ${await request.clone().text()}`;
  const key = unanswered.get(sent) ?? fresh;
  unanswered.set(sent, key);
  request.headers.set(KEY, key);
}

/** Once the desk has answered. What a proxy or a failure says tells nothing of what was done. */
export function forget(request: Request, response: Response): void {
  if (response.status >= 500) return;
  const key = request.headers.get(KEY);
  for (const [sent, given] of unanswered) if (given === key) unanswered.delete(sent);
}
