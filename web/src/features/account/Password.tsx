import '@mantine/core/styles/PasswordInput.layer.css';
import { PasswordInput, Text } from '@mantine/core';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import { announce } from '@/components/announce';
import { CommandForm } from '@/components/CommandForm';
import { Section } from '@/components/Section';
import styles from './account.module.css';
import { useAccountCommand } from './queries';

const LEAST = 12;
const SHOW = { 'aria-label': 'Show or hide what is typed' };

/** Changing it signs every other browser out and ends the tokens of scripts. */
export function Password() {
  const [current, setCurrent] = useState('');
  const [wanted, setWanted] = useState('');
  const [again, setAgain] = useState('');
  const change = useAccountCommand(
    () =>
      answerOf(
        api.POST('/api/auth/password/', {
          body: { current_password: current, new_password: wanted },
        }),
      ),
    () => {
      setCurrent('');
      setWanted('');
      setAgain('');
      announce('Password changed', 'Every other browser is signed out.');
    },
  );
  const isShort = wanted !== '' && wanted.length < LEAST;
  const differs = again !== '' && again !== wanted;
  return (
    <Section title="Password">
      <div className={styles.narrow}>
        <CommandForm
          command={change}
          onSubmit={() => change.mutate()}
          submit="Change password"
          isReady={current !== '' && wanted.length >= LEAST && again === wanted}
        >
          <Text size="sm">
            Every other browser is signed out, and the tokens of your scripts end. This one stays.
          </Text>
          <PasswordInput
            label="Password now"
            autoComplete="current-password"
            visibilityToggleButtonProps={SHOW}
            value={current}
            onChange={(event) => setCurrent(event.currentTarget.value)}
          />
          <PasswordInput
            label="New password"
            description={`At least ${LEAST} characters; a few unrelated words are hard to guess`}
            autoComplete="new-password"
            visibilityToggleButtonProps={SHOW}
            value={wanted}
            error={isShort ? `${LEAST - wanted.length} more characters` : null}
            onChange={(event) => setWanted(event.currentTarget.value)}
          />
          <PasswordInput
            label="New password, once more"
            autoComplete="new-password"
            visibilityToggleButtonProps={SHOW}
            value={again}
            error={differs ? 'Not the same as above' : null}
            onChange={(event) => setAgain(event.currentTarget.value)}
          />
        </CommandForm>
      </div>
    </Section>
  );
}
