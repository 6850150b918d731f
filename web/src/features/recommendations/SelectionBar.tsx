import { Button, Text } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import styles from './selection.module.css';

interface SelectionBarProps {
  selected: number;
  shown: number;
  onReject: () => void;
  onSelectAll: () => void;
  onClear: () => void;
}

/** What can be done with several at once: reject them. Approving is done one by one. */
export default function SelectionBar(props: SelectionBarProps) {
  const { selected, shown, onReject, onSelectAll, onClear } = props;
  return (
    <div className={`panel ${styles.bar}`}>
      <Text size="sm" fw={600} role="status">
        {selected} selected
      </Text>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconX size={14} aria-hidden />}
        disabled={selected === 0}
        onClick={onReject}
      >
        Reject…
      </Button>
      <Button size="xs" variant="subtle" onClick={onSelectAll}>
        Select all {shown}
      </Button>
      <Button size="xs" variant="subtle" onClick={onClear}>
        Clear
      </Button>
    </div>
  );
}
