import { lazyRouteComponent } from '@tanstack/react-router';
import { codeOfScreen } from '@/client/code';

/** A screen whose code is fetched when somebody goes there; in words why it cannot be shown. */
export function lazyScreen<Code extends Record<string, unknown>, Name extends keyof Code & string>(
  load: () => Promise<Code>,
  name: Name,
) {
  return lazyRouteComponent(() => codeOfScreen(load), name);
}
