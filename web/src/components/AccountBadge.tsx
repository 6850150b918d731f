import { IconBolt, IconFlask, IconPaperclip } from '@tabler/icons-react';
import type { GatewayKind } from '@/client/schema';
import styles from './AccountBadge.module.css';

const ICONS = { LIVE: IconBolt, PAPER: IconPaperclip, SIMULATED: IconFlask } as const;

export const KIND_MEANINGS: Record<GatewayKind, string> = {
  LIVE: 'Real money',
  PAPER: 'The broker’s paper account, no real money',
  SIMULATED: 'The simulated gateway, no broker and no real money',
};

/** Which kind of money is at stake, in colour, picture and word. */
export function AccountBadge({ kind }: { kind: GatewayKind }) {
  const Picture = ICONS[kind];
  return (
    <span className={styles.badge} data-kind={kind}>
      <Picture size={13} stroke={2.2} aria-hidden />
      {kind}
    </span>
  );
}
