import { Button } from '@mantine/core';
import { IconColumns3 } from '@tabler/icons-react';
import { useId, useState } from 'react';
import { toggleColumn, useHiddenColumns } from '@/lib/columnChoice';
import styles from './ColumnChooser.module.css';
import type { Column } from './columns';

interface ColumnChooserProps<Row> {
  /** The table whose columns they are; remembered under this name. */
  table: string;
  columns: readonly Column<Row>[];
}

/** Which columns a table shows. The first one names the row and always stays. */
export function ColumnChooser<Row>({ table, columns }: ColumnChooserProps<Row>) {
  const id = useId();
  const anchor = `--columns-${id.replaceAll(/\W/g, '')}`;
  const hidden = useHiddenColumns(table);
  const [wasOpened, setWasOpened] = useState(false);
  const [, ...choices] = columns.filter((column) => column.isHidden !== true);
  return (
    <span className={styles.wide}>
      <Button
        variant="default"
        leftSection={<IconColumns3 size={16} aria-hidden />}
        popoverTarget={id}
        style={{ anchorName: anchor } as object}
      >
        Columns
      </Button>
      <fieldset
        id={id}
        popover="auto"
        className={styles.menu}
        style={{ positionAnchor: anchor } as object}
        aria-label="Columns shown"
        onBeforeToggle={() => setWasOpened(true)}
      >
        {wasOpened &&
          choices.map((column) => (
            <label key={column.id} className={styles.choice}>
              <input
                type="checkbox"
                checked={!hidden.has(column.id)}
                onChange={() => toggleColumn(table, column.id)}
              />
              {column.header}
            </label>
          ))}
      </fieldset>
    </span>
  );
}
