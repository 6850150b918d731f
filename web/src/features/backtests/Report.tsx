import { Anchor, Group, Text } from '@mantine/core';
import { IconDownload, IconExternalLink } from '@tabler/icons-react';
import type { BacktestDetail } from '@/client/schema';
import { Section } from '@/components/Section';
import styles from './backtests.module.css';

const FILES = [
  { name: 'trades', label: 'Trades' },
  { name: 'equity', label: 'Equity' },
  { name: 'fills', label: 'Fills' },
  { name: 'events', label: 'Events' },
  { name: 'denials', label: 'Refusals' },
  { name: 'skipped', label: 'Skipped days' },
] as const;

/** The self-contained page as it can be kept or sent on, and every table as CSV. */
export function Report({ run }: { run: BacktestDetail }) {
  const base = `/api/backtests/${run.id}`;
  return (
    <Section
      title="Report"
      aside={
        <Anchor href={`${base}/report/`} target="_blank" rel="noreferrer" size="sm">
          Open by itself <IconExternalLink size={13} aria-hidden />
        </Anchor>
      }
    >
      <Group gap="md" mb="sm">
        <Text size="sm" c="dimmed">
          As CSV:
        </Text>
        {FILES.map(({ name, label }) => (
          <Anchor key={name} href={`${base}/tables/${name}/?format=csv`} download size="sm">
            <IconDownload size={13} aria-hidden /> {label}
          </Anchor>
        ))}
      </Group>
      {/* It has no scripts, and the sandbox would run none. */}
      <iframe
        className={styles.report}
        title={`Report of ${run.name}`}
        src={`${base}/report/`}
        sandbox=""
      />
    </Section>
  );
}
