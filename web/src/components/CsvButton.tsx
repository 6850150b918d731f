import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useState } from 'react';
import { download, toCsv } from '@/lib/csv';
import { announceProblem } from './announce';

type Cells = readonly (readonly string[])[];

interface CsvButtonProps {
  /** Of the file, without its ending. */
  name: string;
  /** The header and the rows. Read only when pressed; a promise where some are still at the desk. */
  cells: () => Cells | Promise<Cells>;
  isEmpty?: boolean;
  size?: 'sm' | 'compact-xs';
  /** What is exported, where several tables are on one screen. */
  what?: string;
}

/** Saves a table as CSV: all of its rows, also those that were not fetched before. */
export function CsvButton(props: CsvButtonProps) {
  const { name, cells, isEmpty = false, size = 'sm', what } = props;
  const [isBusy, setIsBusy] = useState(false);
  const save = async () => {
    setIsBusy(true);
    try {
      download(`${name}.csv`, toCsv(await cells()));
    } catch (error) {
      announceProblem(error);
    } finally {
      setIsBusy(false);
    }
  };
  const isSmall = size !== 'sm';
  return (
    <Button
      size={size}
      variant={isSmall ? 'subtle' : 'default'}
      {...(isSmall && { color: 'gray' })}
      leftSection={<IconDownload size={isSmall ? 14 : 16} aria-hidden />}
      aria-label={what === undefined ? undefined : `CSV of ${what}`}
      loading={isBusy}
      disabled={isEmpty}
      onClick={() => void save()}
    >
      CSV
    </Button>
  );
}
