import type { Period } from '@/client/schema';

/** How far back a history may be looked at. */
export const PERIODS = ['DAY', 'WEEK', 'MONTH', 'YEAR'] as const satisfies readonly Period[];
