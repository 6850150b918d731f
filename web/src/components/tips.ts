/**
 * What elements have to say about themselves: the text of `data-tip`, shown beside the one that is
 * pointed at, tapped or reached by keyboard. One bubble serves them all: a tooltip component in each
 * cell would cost a long table more than all the rest of it.
 *
 * As WCAG 1.4.13 asks, it goes with Escape, and stays while the pointer rests on it.
 */

const DELAY_MS = 120;
const GAP_PX = 6;
const EDGE_PX = 8;

/** Shows tips in `bubble`, an element of role `tooltip`, until the returned function is called. */
export function showTips(bubble: HTMLElement): () => void {
  let target: HTMLElement | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const hide = () => {
    clearTimeout(timer);
    if (target === null) return;
    describe(target, bubble.id, false);
    target = null;
    bubble.hidePopover?.();
  };
  const show = (next: HTMLElement) => {
    hide();
    const tip = next.dataset.tip;
    if (tip === undefined || tip === '' || !next.isConnected) return;
    target = next;
    bubble.textContent = tip;
    describe(next, bubble.id, true);
    bubble.showPopover?.();
    place(bubble, next);
  };
  const showSoon = (find: () => Element | null) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const at = find();
      if (at !== null && bubble.contains(at)) return;
      const next = at?.closest<HTMLElement>('[data-tip]') ?? null;
      if (next === target) return;
      if (next === null) hide();
      else show(next);
    }, DELAY_MS);
  };
  const onPointer = (event: PointerEvent) => {
    const { clientX, clientY, target: over } = event;
    showSoon(() => pointedAt(clientX, clientY) ?? (over instanceof Element ? over : null));
  };
  const onFocus = (event: Event) => {
    const { target: focused } = event;
    if (focused instanceof Element && focused.matches(':focus-visible')) showSoon(() => focused);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'Escape') hide();
  };

  const ending = new AbortController();
  const options = { signal: ending.signal, passive: true };
  document.addEventListener('pointerover', onPointer, options);
  document.addEventListener('pointermove', onPointer, options);
  document.documentElement.addEventListener('pointerleave', hide, options);
  document.addEventListener('focusin', onFocus, options);
  document.addEventListener('focusout', hide, options);
  document.addEventListener('keydown', onKey, options);
  document.addEventListener('scroll', hide, { ...options, capture: true });
  return () => {
    hide();
    ending.abort();
  };
}

/** What is at a point of the window, seen through the link that makes a whole row its target. */
function pointedAt(x: number, y: number): Element | null {
  const [top, below] = document.elementsFromPoint?.(x, y) ?? [];
  if (top === undefined) return null;
  return top instanceof HTMLAnchorElement && !isIn(top, x, y) ? (below ?? top) : top;
}

function isIn(element: Element, x: number, y: number): boolean {
  const boxes = [...element.getClientRects()];
  return boxes.some((box) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom);
}

/** Adds the bubble to what describes `element`, or takes it away; all else that does stays. */
function describe(element: Element, id: string, isDescribed: boolean): void {
  const others = (element.getAttribute('aria-describedby') ?? '')
    .split(' ')
    .filter((each) => each !== '' && each !== id);
  const all = isDescribed ? [...others, id] : others;
  if (all.length === 0) element.removeAttribute('aria-describedby');
  else element.setAttribute('aria-describedby', all.join(' '));
}

/** Above the target, or below it where there is no room; never beyond the window. */
function place(bubble: HTMLElement, target: Element): void {
  const at = target.getBoundingClientRect();
  const { width, height } = bubble.getBoundingClientRect();
  const above = at.top - height - GAP_PX;
  const middle = at.left + at.width / 2 - width / 2;
  const left = Math.max(EDGE_PX, Math.min(middle, window.innerWidth - width - EDGE_PX));
  bubble.style.left = `${left}px`;
  bubble.style.top = `${above >= EDGE_PX ? above : at.bottom + GAP_PX}px`;
}
