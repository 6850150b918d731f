import { describe, expect, it } from 'vitest';
import { browserOf } from './browserOf';
import { drawingOf } from './QrCode';

describe('browsers by name', () => {
  it.each([
    [
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36',
      'Chrome on Linux',
    ],
    ['Mozilla/5.0 (Windows NT 10.0) Chrome/130.0 Safari/537.36 Edg/130.0', 'Edge on Windows'],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1',
      'Safari on iOS',
    ],
    ['python-httpx/0.28', 'python-httpx'],
    ['', 'An unnamed program'],
  ])('%s', (userAgent, name) => {
    expect(browserOf(userAgent)).toBe(name);
  });
});

describe('the QR code', () => {
  it('has the three finder patterns in a quiet frame', () => {
    const { size, path } = drawingOf('otpauth://totp/Greenlight:ada?secret=JBSWY3DPEHPK3PXP');
    const has = (x: number, y: number) => path.includes(`M${x} ${y}h1`);
    const last = size - 5;
    expect([has(4, 4), has(last, 4), has(4, last)]).toEqual([true, true, true]);
    expect([has(3, 4), has(5, 5), has(last + 1, 4)]).toEqual([false, false, false]);
    expect((size - 8 - 17) % 4).toBe(0);
  });
});
