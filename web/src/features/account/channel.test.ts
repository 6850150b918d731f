import { describe, expect, it } from 'vitest';
import type { ChannelAnswer } from '@/client/schema';
import { bodyOf, isComplete, quietInWords, wishesOf } from './channel';

const channel: ChannelAnswer = {
  id: '1',
  name: 'phone',
  kind: 'ntfys',
  events: ['ALERT'],
  least_severity: 'WARNING',
  quiet_from: '22:00:00',
  quiet_until: '07:00:00',
  zone: 'Europe/Zurich',
  critical_at_any_hour: true,
  is_enabled: true,
  last_sent_at: null,
  waiting: 0,
  error: '',
  etag: '"c1"',
};

describe('a notification channel', () => {
  it('says its quiet hours, and what breaks them', () => {
    expect(quietInWords(channel)).toBe(
      'quiet from 22:00 to 07:00 (Europe/Zurich), but for what is critical',
    );
    expect(quietInWords({ ...channel, quiet_from: null })).toBe('at any hour');
  });

  it('is changed without its address, which is never told', () => {
    const wishes = wishesOf(channel, 'UTC');
    expect(wishes.address).toBe('');
    expect(isComplete(wishes, false)).toBe(true);
    expect(isComplete(wishes, true)).toBe(false);
    expect(bodyOf(wishes).quiet_from).toBe('22:00');
  });

  it('takes both clocks of the quiet hours or none', () => {
    const wishes = { ...wishesOf(channel, 'UTC'), quiet_until: '' };
    expect(isComplete(wishes, false)).toBe(false);
    const never = { ...wishes, quiet_from: '' };
    expect(isComplete(never, false)).toBe(true);
    expect(bodyOf(never)).toMatchObject({ quiet_from: null, quiet_until: null });
  });
});
