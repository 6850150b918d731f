/** The colour of a stress cell: how far it is on the way to the worst or the best of the grid. */

/** Index into a diverging palette of `steps` colours whose middle is zero. */
export function shadeOf(pnl: number, largest: number, steps: number): number {
  const middle = (steps - 1) / 2;
  if (largest <= 0) return middle;
  // The square root shows small losses, too; a linear scale would leave all but one cell blank.
  const strength = Math.sqrt(Math.min(Math.abs(pnl) / largest, 1));
  return Math.round(middle + Math.sign(pnl) * strength * middle);
}

export function largestOf(pnl: readonly (readonly number[])[]): number {
  return Math.max(0, ...pnl.flat().map(Math.abs));
}
