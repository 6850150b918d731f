import '@/styles/segmentedControl';
import { SegmentedControl } from '@mantine/core';
import { useSearch } from '@tanstack/react-router';
import type { Period } from '@/client/schema';
import { PERIODS } from '@/lib/periods';
import { useAddressChange } from './address';

const WORDS: Record<Period, string> = { DAY: 'Day', WEEK: 'Week', MONTH: 'Month', YEAR: 'Year' };
const DEFAULT = 'MONTH';

/** The period in the address, for routes whose search takes `period`. */
export function usePeriod(): Period {
  return useSearch({ strict: false, select: (search) => search.period }) ?? DEFAULT;
}

/** How far back a chart looks. */
export function PeriodChoice() {
  const period = usePeriod();
  const change = useAddressChange();
  return (
    <SegmentedControl
      size="xs"
      aria-label="Period"
      value={period}
      onChange={(value) => change({ period: value === DEFAULT ? undefined : value })}
      data={PERIODS.map((each) => ({ value: each, label: WORDS[each] }))}
    />
  );
}
