import { Group, Stack, Text } from '@mantine/core';
import type { BacktestRow } from '@/client/schema';
import { BacktestLink, Pick, type Picking, StatusCell } from './columns';
import { FIGURES, figureWords, numberOf } from './figures';
import { SOURCE_WORDS, spanWords } from './words';

const SHOWN = FIGURES.filter(({ name }) =>
  ['return', 'sharpe', 'max_drawdown', 'trades'].includes(name),
);

/** A backtest on a narrow screen. */
export function BacktestCard({ row, picking }: { row: BacktestRow; picking: Picking }) {
  return (
    <Stack gap={6}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <BacktestLink row={row} />
        <Pick row={row} picking={picking} />
      </Group>
      <Group gap="xs">
        <StatusCell row={row} />
        <Text size="xs" c="dimmed">
          {row.strategy} · {spanWords(row.stats) || SOURCE_WORDS[row.source]}
        </Text>
      </Group>
      {row.status === 'COMPLETED' && (
        <Group gap="md">
          {SHOWN.map((kind) => (
            <Text key={kind.name} size="sm">
              {kind.label}{' '}
              <strong className="numeric">
                {figureWords(kind, numberOf(row.stats, kind.name))}
              </strong>
            </Text>
          ))}
        </Group>
      )}
    </Stack>
  );
}
