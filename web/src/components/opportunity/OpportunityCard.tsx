import { Group, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { FoundOpportunity } from '@/client/schema';
import { formatPrice } from '@/lib/decimal';
import { formatDelta, formatPercentOne, formatRoughPercent, NOT_KNOWN } from '@/lib/numbers';
import { verbOf, wingOf } from './figures';

interface OpportunityCardProps {
  found: FoundOpportunity;
  title: ReactNode;
  children?: ReactNode;
}

/** An opportunity on a narrow screen. */
export function OpportunityCard({ found, title, children }: OpportunityCardProps) {
  const { figures } = found;
  const mid = figures.mid === null ? NOT_KNOWN : formatPrice(figures.mid);
  return (
    <Stack gap={4}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Text component="div" size="sm" fw={600}>
          {verbOf(found)} {title}
          {wingOf(found)}
        </Text>
        <Text component="span" size="sm" c="dimmed">
          #{found.rank}
        </Text>
      </Group>
      <Text component="div" size="sm" className="numeric" style={{ whiteSpace: 'normal' }}>
        {mid} mid · {formatPercentOne(figures.ror_annualised)} a year · delta{' '}
        {formatDelta(figures.delta)} · {figures.dte ?? NOT_KNOWN} days · POP{' '}
        {formatRoughPercent(figures.pop)}
      </Text>
      {!found.recommended && (
        <Text size="xs" c="dimmed">
          {found.why_not}
        </Text>
      )}
      {children !== undefined && <div>{children}</div>}
    </Stack>
  );
}
