import { Button, Text } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { Dialog } from '@/components/Dialog';
import { BulkRejectForm } from './BulkRejectForm';
import type { Row } from './columns';
import styles from './selection.module.css';

interface SelectionBarProps {
  rows: Row[];
  shown: Row[];
  onChoose: (ids: string[]) => void;
}

/** What can be done with several at once: reject them. Approving is done one by one. */
export default function SelectionBar({ rows, shown, onChoose }: SelectionBarProps) {
  // What was selected when the dialog opened is what it is about, whatever arrives meanwhile.
  const [asked, setAsked] = useState<Row[]>();
  const close = () => setAsked(undefined);
  if (rows.length === 0 && asked === undefined) return null;
  return (
    <div className={`panel ${styles.bar}`}>
      <Text size="sm" fw={600} role="status">
        {rows.length} selected
      </Text>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconX size={14} aria-hidden />}
        disabled={rows.length === 0}
        onClick={() => setAsked(rows)}
      >
        Reject…
      </Button>
      <Button size="xs" variant="subtle" onClick={() => onChoose(shown.map((row) => row.id))}>
        Select all {shown.length}
      </Button>
      <Button size="xs" variant="subtle" onClick={() => onChoose([])}>
        Clear
      </Button>
      <Dialog
        isOpen={asked !== undefined}
        onClose={close}
        title={`Reject ${asked?.length ?? 0} ${asked?.length === 1 ? 'recommendation' : 'recommendations'}?`}
      >
        {asked !== undefined && (
          <BulkRejectForm rows={asked} onDone={close} onRejected={() => onChoose([])} />
        )}
      </Dialog>
    </div>
  );
}
