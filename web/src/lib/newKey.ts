import { nanoid } from 'nanoid';

/**
 * A name that nothing else has, for an idempotency key or a row being typed. Unlike
 * `crypto.randomUUID` it is there on a desk reached over plain HTTP, too.
 */
export function newKey(): string {
  return nanoid();
}
