import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import type { Enrolment, SecondFactor as State } from '@/client/schema';
import { CommandForm, Refusal } from '@/components/CommandForm';
import { Dialog } from '@/components/Dialog';
import { Failure } from '@/components/Failure';
import { PageSkeleton } from '@/components/PageSkeleton';
import { Secret } from '@/components/Secret';
import { Section } from '@/components/Section';
import { Tag } from '@/components/Tag';
import styles from './account.module.css';
import { QrCode } from './QrCode';
import { secondFactorQuery, useAccountCommand } from './queries';

const FEW = 3;

/** One-time codes of an authenticator app, and the recovery codes for when the phone is lost. */
export function SecondFactor() {
  const query = useQuery(secondFactorQuery);
  const [codes, setCodes] = useState<string[]>();
  return (
    <Section
      title="Second factor"
      aside={
        query.data !== undefined && (
          <Tag tone={query.data.enabled ? 'ok' : 'warn'}>{query.data.enabled ? 'ON' : 'OFF'}</Tag>
        )
      }
    >
      {query.isPending && <PageSkeleton />}
      <Failure query={query} />
      {codes !== undefined && <NewCodes codes={codes} onDone={() => setCodes(undefined)} />}
      {codes === undefined && query.data?.enabled === true && (
        <InForce state={query.data} onCodes={setCodes} />
      )}
      {codes === undefined && query.data?.enabled === false && <Enrol onCodes={setCodes} />}
    </Section>
  );
}

type OnCodes = (codes: string[]) => void;

function Enrol({ onCodes }: { onCodes: OnCodes }) {
  const begin = useAccountCommand(
    () => answerOf(api.POST('/api/auth/totp/')),
    () => undefined,
  );
  if (begin.data !== undefined) return <Scan enrolment={begin.data} onCodes={onCodes} />;
  return (
    <Stack gap="sm">
      <Text size="sm">
        With an authenticator app on your phone, a stolen password opens nothing. Some approvals ask
        for a fresh code as well.
      </Text>
      <Refusal error={begin.error} isError={begin.isError} />
      <Group>
        <Button loading={begin.isPending} onClick={() => begin.mutate()}>
          Set up an authenticator app
        </Button>
      </Group>
    </Stack>
  );
}

function Scan({ enrolment, onCodes }: { enrolment: Enrolment; onCodes: OnCodes }) {
  const [code, setCode] = useState('');
  const confirm = useAccountCommand(
    () => answerOf(api.POST('/api/auth/totp/confirm/', { body: { code } })),
    (answer) => onCodes(answer.codes),
  );
  return (
    <div className={styles.enrol}>
      <QrCode text={enrolment.uri} label="QR code for the authenticator app" />
      <div className={styles.narrow}>
        <CommandForm
          command={confirm}
          onSubmit={() => confirm.mutate()}
          submit="Switch it on"
          isReady={/^\d{6}$/.test(code)}
        >
          <Text size="sm">
            Scan the code with your app, or type this key into it. Then enter the six digits that it
            shows. Your other browsers are signed out.
          </Text>
          <Secret label="Key" value={enrolment.secret} />
          <TextInput
            label="Six digits"
            inputMode="numeric"
            autoComplete="one-time-code"
            maxLength={6}
            value={code}
            onChange={(event) => setCode(event.currentTarget.value.trim())}
          />
        </CommandForm>
      </div>
    </div>
  );
}

function NewCodes({ codes, onDone }: { codes: string[]; onDone: () => void }) {
  return (
    <Stack gap="sm">
      <Text fw={600}>Keep these recovery codes where your phone is not.</Text>
      <Text size="sm">
        Each signs you in once without the app. They are shown this once; without them and without
        the phone, only an administrator can let you in again.
      </Text>
      <Secret label="Recovery codes" value={codes.join('\n')} />
      <Group>
        <Button onClick={onDone}>I have kept them</Button>
      </Group>
    </Stack>
  );
}

function InForce({ state, onCodes }: { state: State; onCodes: OnCodes }) {
  const [isLeaving, setIsLeaving] = useState(false);
  const left = state.recovery_codes_left;
  const renew = useAccountCommand(
    () => answerOf(api.POST('/api/auth/totp/recovery-codes/')),
    (answer) => onCodes(answer.codes),
  );
  const disable = useAccountCommand(
    () => answerOf(api.DELETE('/api/auth/totp/')),
    () => setIsLeaving(false),
  );
  return (
    <Stack gap="sm">
      <Text size="sm">
        Signing in asks for a code of your authenticator app.{' '}
        <Text component="span" inherit fw={left <= FEW ? 650 : 400}>
          {left} recovery {left === 1 ? 'code is' : 'codes are'} left.
        </Text>
        {left <= FEW && ' Make new ones before they run out.'}
      </Text>
      <Refusal error={renew.error} isError={renew.isError} />
      <Group>
        <Button variant="default" loading={renew.isPending} onClick={() => renew.mutate()}>
          New recovery codes
        </Button>
        <Button variant="default" onClick={() => setIsLeaving(true)}>
          Switch off…
        </Button>
      </Group>
      <Dialog
        isOpen={isLeaving}
        onClose={() => setIsLeaving(false)}
        title="Switch the second factor off?"
      >
        <CommandForm
          command={disable}
          onSubmit={() => disable.mutate()}
          onBack={() => setIsLeaving(false)}
          submit="Switch off"
          isReady
          isDangerous
        >
          <Text>
            Your password alone then opens this desk, and the recovery codes end. To move to another
            phone, switch it off here and set it up again there.
          </Text>
        </CommandForm>
      </Dialog>
    </Stack>
  );
}
