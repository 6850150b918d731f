import { useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { createContext, useContext, useMemo, useSyncExternalStore } from 'react';
import { type ClockReading, isApart, readingOf } from '@/lib/marketClock';
import { deskQuery, meQuery } from './queries';
import type { ClientAnswer, Desk, Me } from './schema';
import type { DeskStream, StreamState } from './stream';

const EXCHANGE_TIME_ZONE = 'America/New_York';

export const StreamContext = createContext<DeskStream | null>(null);

const NO_STREAM: StreamState = { status: 'connecting', lostAt: null };
const neverChanges = () => () => undefined;

/** Whether change notices are arriving. */
export function useStreamState(): StreamState {
  const stream = useContext(StreamContext);
  return useSyncExternalStore(stream?.subscribe ?? neverChanges, () => stream?.state ?? NO_STREAM);
}

/** Who is signed in. The route loads it before anything below is shown. */
export function useMe(): Me {
  return useSuspenseQuery(meQuery).data;
}

/** The client chosen in the address; undefined for all that the person may see. */
export function useChosenClient(): ClientAnswer | undefined {
  const slug = useSearch({ strict: false, select: (search) => search.client });
  return useMe().clients.find((client) => client.slug === slug);
}

export function useDesk(): Desk | undefined {
  const client = useChosenClient();
  return useQuery(deskQuery(client?.id)).data?.desk;
}

/** The market clock; null until the broker's clock was read. */
export function useMarketReading(): ClockReading | null {
  const client = useChosenClient();
  const reading = useQuery(deskQuery(client?.id)).data;
  return reading === undefined ? null : readingOf(reading.desk.market, reading.readAt);
}

/** How moments are shown. Every time of a long table asks, so it is read once, by the frame. */
export interface MomentFrame {
  timeZone: string;
  /** The market's clock shows another time than this machine's, as a simulated one may. */
  isApart: boolean;
}

export const MomentFrameContext = createContext<MomentFrame>({
  timeZone: EXCHANGE_TIME_ZONE,
  isApart: false,
});

/** For the frame, which hands it on by the context. */
export function useMomentFrame(): MomentFrame {
  const client = useChosenClient();
  const { data, dataUpdatedAt } = useQuery(deskQuery(client?.id));
  const timeZone = data?.desk.market.time_zone ?? EXCHANGE_TIME_ZONE;
  const isApartNow = data !== undefined && isApart(data.desk.market, dataUpdatedAt);
  return useMemo(() => ({ timeZone, isApart: isApartNow }), [timeZone, isApartNow]);
}

export function useIsMarketTimeApart(): boolean {
  return useContext(MomentFrameContext).isApart;
}

export function useExchangeTimeZone(): string {
  return useContext(MomentFrameContext).timeZone;
}
