import type { ReactNode } from 'react';
import { type StateWords, stateWord, type Tone } from '@/lib/states';
import styles from './Tag.module.css';

interface TagProps {
  tone: Tone;
  children: ReactNode;
  icon?: ReactNode;
}

/** A word on a coloured ground. The word alone carries the meaning; the colour only helps. */
export function Tag({ tone, children, icon }: TagProps) {
  return (
    <span className={styles.tag} data-tone={tone}>
      {icon}
      {children}
    </span>
  );
}

interface StateTagProps<State extends string> {
  state: State;
  words: Record<State, StateWords>;
}

/** A state of the desk, with its meaning on hover and focus. */
export function StateTag<State extends string>({ state, words }: StateTagProps<State>) {
  const { tone, meaning } = words[state];
  return (
    <span className={`${styles.tag} ${styles.explained}`} data-tone={tone} data-tip={meaning}>
      {stateWord(state)}
    </span>
  );
}
