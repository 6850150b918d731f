import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { answerOf, api } from '@/client/api';
import { factsOf, hasCode } from '@/client/problem';
import { refresh } from '@/client/queries';
import type { StrategyDetail } from '@/client/schema';
import { announce } from '@/components/announce';
import { ChangeTable } from '@/components/config/ChangeTable';
import { ConfigFields } from '@/components/config/ConfigFields';
import {
  type Config,
  changesBetween,
  read,
  type SettingChange,
  settingsOf,
  type Typed,
  typedFrom,
} from '@/components/config/settings';
import { Dialog } from '@/components/Dialog';
import { ProblemNotice } from '@/components/ProblemNotice';
import { Section } from '@/components/Section';
import { TextField } from '@/components/TextField';
import { newKey } from '@/lib/newKey';
import { DryRun } from './DryRun';
import { PendingChange } from './PendingChange';
import styles from './strategies.module.css';

/** The settings as a form: tried with a dry run, compared, and saved as the next version. */
export function ConfigEditor({ strategy }: { strategy: StrategyDetail }) {
  const settings = useMemo(() => settingsOf(strategy.config_schema), [strategy.config_schema]);
  // What the form began with: what arrives meanwhile neither overwrites nor is overwritten.
  const [seen, setSeen] = useState(strategy);
  const [typed, setTyped] = useState<Typed>(() => typedFrom(settings, strategy.config));
  const [told, setTold] = useState<Record<string, string>>({});
  const [isReviewing, setIsReviewing] = useState(false);
  const startOver = (from: StrategyDetail) => {
    setSeen(from);
    setTyped(typedFrom(settings, from.config));
    setTold({});
  };
  const { config, problems } = read(settings, typed);
  const changes = changesBetween(settings, seen.config, { ...seen.config, ...config });
  const isOvertaken = strategy.config_version !== seen.config_version;
  if (isOvertaken && changes.length === 0) startOver(strategy);
  const wrong = Object.keys(problems).length;
  if (settings.length === 0) return null;
  return (
    <Section
      title="Settings"
      aside={
        <Text size="sm" c="dimmed">
          version {seen.config_version}
        </Text>
      }
    >
      {strategy.proposal !== null && (
        <PendingChange
          key={strategy.proposal.id}
          strategy={strategy}
          proposal={strategy.proposal}
        />
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (changes.length > 0 && wrong === 0) setIsReviewing(true);
        }}
      >
        <ConfigFields
          settings={settings}
          typed={typed}
          problems={{ ...told, ...problems }}
          onChange={(next) => {
            setTyped(next);
            setTold({});
          }}
          isReadOnly={!strategy.may_configure}
        />
        {strategy.may_configure && (
          <>
            {isOvertaken && changes.length > 0 && (
              <Overtaken strategy={strategy} onStartOver={() => startOver(strategy)} />
            )}
            <DryRun
              strategy={strategy}
              config={changes.length > 0 && wrong === 0 ? config : null}
              isBlocked={wrong > 0}
              onProblem={(error) => setTold(byField(error))}
            />
            <div className={styles.bar}>
              <Text size="sm" aria-live="polite">
                {state(changes, wrong)}
              </Text>
              <Group gap="sm">
                <Button
                  variant="default"
                  disabled={changes.length === 0 && wrong === 0}
                  onClick={() => startOver(strategy)}
                >
                  Undo changes
                </Button>
                <Button
                  type="submit"
                  disabled={
                    changes.length === 0 || wrong > 0 || isOvertaken || strategy.proposal !== null
                  }
                >
                  Review and save…
                </Button>
              </Group>
            </div>
          </>
        )}
      </form>
      <Dialog
        isOpen={isReviewing}
        onClose={() => setIsReviewing(false)}
        title={strategy.two_people_configure ? 'Propose these settings?' : 'Save these settings?'}
      >
        <Review
          strategy={seen}
          config={config}
          changes={changes}
          onBack={(error) => {
            if (error !== null) setTold(byField(error));
            setIsReviewing(false);
          }}
          onSaved={(saved) => {
            startOver(saved);
            setIsReviewing(false);
          }}
        />
      </Dialog>
    </Section>
  );
}

function state(changes: readonly SettingChange[], wrong: number): string {
  if (wrong > 0) return `Correct ${wrong === 1 ? 'one setting' : `${wrong} settings`} first.`;
  if (changes.length === 0) return 'Nothing is changed.';
  return changes.length === 1
    ? 'One setting is changed.'
    : `${changes.length} settings are changed.`;
}

function byField(error: unknown): Record<string, string> {
  return Object.fromEntries(factsOf(error).errors.map(({ field, message }) => [field, message]));
}

function Overtaken({
  strategy,
  onStartOver,
}: {
  strategy: StrategyDetail;
  onStartOver: () => void;
}) {
  const [latest] = strategy.history;
  return (
    <Group className={styles.about} mt="md" role="alert">
      <Text size="sm" fw={600}>
        {latest?.author ?? 'Somebody'} saved version {strategy.config_version} meanwhile. Yours was
        made on another; start over from what is in force now.
      </Text>
      <Button size="xs" variant="default" onClick={onStartOver}>
        Start over from version {strategy.config_version}
      </Button>
    </Group>
  );
}

interface ReviewProps {
  strategy: StrategyDetail;
  config: Config;
  changes: readonly SettingChange[];
  onBack: (error: unknown) => void;
  onSaved: (saved: StrategyDetail) => void;
}

/** The last look: what changes, and why, in the person's own words. */
function Review({ strategy, config, changes, onBack, onSaved }: ReviewProps) {
  const queries = useQueryClient();
  const [reason, setReason] = useState('');
  const [key] = useState(newKey);
  const save = useMutation({
    mutationFn: () =>
      answerOf(
        api.PUT('/api/strategies/{strategy_id}/config/', {
          params: {
            path: { strategy_id: strategy.id },
            header: { 'Idempotency-Key': key, 'If-Match': `"v${strategy.config_version}"` },
          },
          body: { config: config as never, reason },
        }),
      ),
    onSuccess: (saved) => {
      if (saved.proposal === null)
        announce(
          'Settings saved',
          `Version ${saved.config_version} is in force from the next run.`,
        );
      else announce('Change proposed', 'It is in force once somebody else has approved it.');
      onSaved(saved);
    },
    onSettled: () => void refresh(queries, ['strategies']),
  });
  const isOver = hasCode(save.error, 'CONFIG_CHANGED');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <Stack>
        <ChangeTable changes={changes} />
        <Text size="sm">
          {strategy.two_people_configure && 'Somebody else approves them first. '}
          {strategy.enabled
            ? 'In force from the next run. Recommendations already made keep their terms.'
            : 'The strategy is off: nothing runs on them until it is switched on.'}
        </Text>
        <TextField
          label="Why (kept with the change)"
          value={reason}
          maxLength={500}
          onChange={setReason}
        />
        {save.isError && <ProblemNotice error={save.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={() => onBack(save.error)}>
            Go back
          </Button>
          <Button type="submit" loading={save.isPending} disabled={isOver}>
            {strategy.two_people_configure ? 'Propose settings' : 'Save settings'}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
