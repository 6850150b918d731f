/** Collects items for a moment and hands them over together: a fill is several notices at once. */
export function batched<T>(
  flush: (items: Set<T>) => void,
  delayMs: number,
): (items: Iterable<T>) => void {
  let waiting = new Set<T>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (items) => {
    for (const item of items) waiting.add(item);
    if (timer !== undefined || waiting.size === 0) return;
    timer = setTimeout(() => {
      timer = undefined;
      const ready = waiting;
      waiting = new Set();
      flush(ready);
    }, delayMs);
  };
}
