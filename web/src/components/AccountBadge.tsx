import { Tooltip } from '@mantine/core';
import { IconBolt, IconFlask, IconPaperclip } from '@tabler/icons-react';
import type { GatewayKind } from '@/client/schema';
import styles from './AccountBadge.module.css';

const KINDS = {
  LIVE: { icon: IconBolt, meaning: 'Real money' },
  PAPER: { icon: IconPaperclip, meaning: 'The broker’s paper account: no real money' },
  SIMULATED: { icon: IconFlask, meaning: 'The simulated gateway: no broker and no real money' },
} as const;

/** Which kind of money is at stake, in colour, picture and word. */
export function AccountBadge({ kind, label }: { kind: GatewayKind; label?: string }) {
  const { icon: Picture, meaning } = KINDS[kind];
  return (
    <Tooltip label={label === undefined ? meaning : `${label}. ${meaning}`}>
      <span className={styles.badge} data-kind={kind}>
        <Picture size={13} stroke={2.2} aria-hidden />
        {kind}
      </span>
    </Tooltip>
  );
}
