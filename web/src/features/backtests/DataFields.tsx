import '@/styles/combobox';
import { MultiSelect, type MultiSelectProps, Text } from '@mantine/core';
import type { RecordingRow } from '@/client/schema';
import { TextField } from '@/components/TextField';
import { formatCount } from '@/lib/numbers';
import type { FieldsProps } from './BacktestForm';
import styles from './backtests.module.css';

/** What it runs on, of what the desk's history directory holds, and how much of it. */
export function DataFields({
  form,
  change,
  problems,
  recordings,
}: FieldsProps & { recordings: readonly RecordingRow[] }) {
  if (recordings.length === 0) {
    return (
      <Text size="sm">
        The desk’s history directory holds no recorded chains. The operator puts them there (
        <code>GREENLIGHT_HISTORY_DIR</code>, or <code>history</code> in the data directory); then
        reload this page. What can be read: CSV, zip and Parquet of the common vendors.
      </Text>
    );
  }
  return (
    <div className={styles.fields}>
      <Chosen
        label="Recorded chains"
        description="Folders are read whole."
        placeholder="Choose files or folders"
        required
        value={form.data}
        onChange={(data) => change({ data })}
        data={choicesOf(recordings, form.data, 'CHAINS')}
        error={problems.data}
      />
      <Chosen
        label="What belongs beside them"
        description="Daily prices, dividends, splits, rates, the VIX: each recognised by its header."
        placeholder="None"
        value={form.side}
        onChange={(side) => change({ side })}
        data={choicesOf(recordings, form.side, 'SIDE')}
        error={problems.side}
      />
      <TextField
        type="date"
        label="First session"
        description="All there is if empty."
        value={form.start}
        onChange={(start) => change({ start })}
        error={problems.start}
      />
      <TextField
        type="date"
        label="Last session"
        description="Included."
        value={form.end}
        onChange={(end) => change({ end })}
        error={problems.end}
      />
    </div>
  );
}

/** Some of what is there; the placeholder says what none of it means. */
function Chosen({ placeholder, ...input }: MultiSelectProps & { value: string[] }) {
  return (
    <MultiSelect
      className={styles.wide}
      placeholder={input.value.length === 0 ? placeholder : undefined}
      searchable
      clearable
      limit={100}
      {...input}
    />
  );
}

const GROUPS = [
  { title: 'Folders', isFolder: true },
  { title: 'Files', isFolder: false },
] as const;

/** Those of one kind, folders first; what an earlier backtest named stays, whatever it is. */
function choicesOf(
  recordings: readonly RecordingRow[],
  chosen: readonly string[],
  holds: RecordingRow['holds'],
) {
  const usable = recordings.filter((each) => each.holds === holds || chosen.includes(each.name));
  const known = new Set(usable.map((each) => each.name));
  const groups = GROUPS.map(({ title, isFolder }) => ({
    group: title,
    items: usable
      .filter((each) => each.is_folder === isFolder)
      .map((each) => ({ value: each.name, label: labelOf(each) })),
  }));
  const gone = chosen.filter((name) => !known.has(name));
  const absent = {
    group: 'No longer there',
    items: gone.map((name) => ({ value: name, label: name })),
  };
  return [...groups, absent].filter(({ items }) => items.length > 0);
}

function labelOf({ name, is_folder, files, bytes, layout }: RecordingRow): string {
  const size = `${formatCount(Math.max(1, bytes / 1e6))} MB`;
  const facts = [is_folder ? `${formatCount(files)} files` : null, size, layout];
  return `${name} (${facts.filter((fact) => fact !== null).join(', ')})`;
}
