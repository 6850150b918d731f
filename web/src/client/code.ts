/** The app's own code, fetched piece by piece as it is needed: the desk may be away just then. */
import { noAnswerInTime, noScreen } from './problem';

const PROBE_MS = 5_000;
const PAUSE_MS = 5_000;
const FETCH_MS = 20_000;

/** Whether anything answers where this page came from. */
export async function isDeskThere(): Promise<boolean> {
  try {
    return (await fetch('/healthz', { signal: AbortSignal.timeout(PROBE_MS) })).ok;
  } catch {
    return false;
  }
}

/**
 * The code of a screen; throws in plain words what keeps it away. Where the desk is there and the
 * code is not, it is of an older version: that error is left to the router, which loads the page
 * anew.
 */
export async function codeOfScreen<Code>(load: () => Promise<Code>): Promise<Code> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(noAnswerInTime()), FETCH_MS);
  });
  const fetched = load().catch(async (error: unknown) => {
    throw (await isDeskThere()) ? error : noScreen();
  });
  return Promise.race([fetched, late]);
}

/** Code that nobody waits for: fetched when the desk is there, however long that takes. */
export async function codeInTime<Code>(load: () => Promise<Code>): Promise<Code> {
  while (true) {
    // Not tried in vain: a style sheet that failed once is not asked for again.
    if (await isDeskThere()) {
      try {
        return await load();
      } catch {
        // Gone between the two.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
