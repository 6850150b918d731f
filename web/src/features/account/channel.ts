/** What a notification channel is told of, in words, and the wishes a form starts from. */
import type { ChannelAnswer, NotificationEvent, Severity } from '@/client/schema';

export const EVENTS: Record<NotificationEvent, string> = {
  RECOMMENDATION_WAITING: 'recommendations that wait',
  DEADLINE_NEAR: 'deadlines ten minutes away',
  ORDER_STUCK: 'orders in doubt',
  ALERT: 'alerts',
  KILL_SWITCH: 'the kill switch',
};

export const SEVERITIES: Record<Severity, string> = {
  INFO: 'Everything',
  WARNING: 'Warnings and what is critical',
  CRITICAL: 'Only what is critical',
};

export interface Wishes {
  name: string;
  address: string;
  events: NotificationEvent[];
  least_severity: Severity;
  quiet_from: string;
  quiet_until: string;
  zone: string;
  critical_at_any_hour: boolean;
  is_enabled: boolean;
}

/** A channel's wishes as a form holds them; without one, those of a new channel. */
export function wishesOf(channel: ChannelAnswer | undefined, zone: string): Wishes {
  if (channel === undefined) {
    return {
      name: '',
      address: '',
      events: Object.keys(EVENTS) as NotificationEvent[],
      least_severity: 'INFO',
      quiet_from: '',
      quiet_until: '',
      zone,
      critical_at_any_hour: true,
      is_enabled: true,
    };
  }
  return {
    name: channel.name,
    address: '',
    events: channel.events,
    least_severity: channel.least_severity,
    quiet_from: channel.quiet_from?.slice(0, 5) ?? '',
    quiet_until: channel.quiet_until?.slice(0, 5) ?? '',
    zone: channel.zone,
    critical_at_any_hour: channel.critical_at_any_hour,
    is_enabled: channel.is_enabled,
  };
}

/** The request body of wishes: an empty clock is none, an empty address stays as it was. */
export function bodyOf({ address, ...wishes }: Wishes) {
  const isQuiet = wishes.quiet_from !== '' && wishes.quiet_until !== '';
  return {
    ...wishes,
    name: wishes.name.trim(),
    quiet_from: isQuiet ? wishes.quiet_from : null,
    quiet_until: isQuiet ? wishes.quiet_until : null,
    address: address.trim(),
  };
}

/** Whether wishes make a request; a new channel needs an address as well. */
export function isComplete(wishes: Wishes, isNew: boolean): boolean {
  const clocksAgree = (wishes.quiet_from === '') === (wishes.quiet_until === '');
  const addressed = !isNew || wishes.address.trim() !== '';
  return wishes.name.trim() !== '' && wishes.events.length > 0 && clocksAgree && addressed;
}

export function quietInWords(channel: ChannelAnswer): string {
  if (channel.quiet_from === null || channel.quiet_until === null) return 'at any hour';
  const hours = `${channel.quiet_from.slice(0, 5)} to ${channel.quiet_until.slice(0, 5)}`;
  const but = channel.critical_at_any_hour ? ', but for what is critical' : '';
  return `quiet from ${hours} (${channel.zone})${but}`;
}
