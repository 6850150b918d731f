import { describe, expect, it } from 'vitest';
import { largestOf, shadeOf } from './stress';

describe('the shade of a stress cell', () => {
  it('is neutral at nothing and extreme at the largest move, either way', () => {
    expect(shadeOf(0, 1_000, 7)).toBe(3);
    expect(shadeOf(-1_000, 1_000, 7)).toBe(0);
    expect(shadeOf(1_000, 1_000, 7)).toBe(6);
  });

  it('lets a tenth of the largest loss be seen', () => {
    expect(shadeOf(-100, 1_000, 7)).toBe(2);
  });

  it('is neutral everywhere for a book that nothing moves', () => {
    expect(largestOf([[0, 0]])).toBe(0);
    expect(shadeOf(0, 0, 7)).toBe(3);
  });
});
