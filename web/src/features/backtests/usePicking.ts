import { useState } from 'react';
import type { Picking } from './columns';

/** More lines than this nobody tells apart; the API compares no more either. */
const MOST_COMPARED = 12;

export function usePicking(): Picking {
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const toggle = (id: string) =>
    setPicked((before) => {
      const after = new Set(before);
      if (!after.delete(id) && after.size < MOST_COMPARED) after.add(id);
      return after;
    });
  return { picked, toggle };
}
