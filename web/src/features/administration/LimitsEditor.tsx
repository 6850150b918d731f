import { Button, Group, NativeSelect, Text } from '@mantine/core';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import type { ScopeLimits } from '@/client/schema';
import { CommandForm } from '@/components/CommandForm';
import { ChangeTable } from '@/components/config/ChangeTable';
import { limitWords as boundsOf, type Setting, unitWords } from '@/components/config/settings';
import { Dialog } from '@/components/Dialog';
import { Section } from '@/components/Section';
import { TextField } from '@/components/TextField';
import styles from './administration.module.css';
import {
  type LimitChange,
  type LimitValues,
  limitChanges,
  limitWords,
  readLimits,
  type TypedLimits,
  typedLimits,
} from './limits';
import type { Subject } from './queries';
import { useCommand } from './useCommand';

interface LimitsEditorProps {
  subject: Subject & { label: string };
  said: ScopeLimits;
  settings: readonly Setting[];
  defaults: LimitValues;
}

/** What one scope says, to be read or changed; the next version needs a reason. */
export function LimitsEditor({ subject, said, settings, defaults }: LimitsEditorProps) {
  // What the form began with: a version that arrives meanwhile does not overwrite what is typed.
  const [seen, setSeen] = useState(said);
  const [typed, setTyped] = useState<TypedLimits>(() => typedLimits(settings, said.limits));
  const [isReviewing, setIsReviewing] = useState(false);
  const startOver = (from: ScopeLimits) => {
    setSeen(from);
    setTyped(typedLimits(settings, from.limits));
  };
  const { limits, problems } = readLimits(settings, typed);
  const changes = limitChanges(settings, seen.limits, limits);
  if (said.version !== seen.version && changes.length === 0) startOver(said);
  const wrong = Object.keys(problems).length;
  const groups = [...new Set(settings.map((setting) => setting.group))];
  const isDesk = subject.scope === 'GLOBAL';
  return (
    <Section
      title={`What it says: ${subject.label}`}
      aside={
        <Text size="sm" c="dimmed">
          {seen.version === 0 ? 'says nothing yet' : `version ${seen.version}`}
        </Text>
      }
    >
      <Text size="sm" c="dimmed" mb="md" className={styles.about}>
        {hintOf(isDesk, said.may_change)}
      </Text>
      <div className={styles.limitGrid}>
        {groups.map((group) => (
          <div key={group}>
            <Text component="h3" className={styles.name}>
              {group}
            </Text>
            {settings
              .filter((setting) => setting.group === group)
              .map((setting) => (
                <Limit
                  key={setting.name}
                  setting={setting}
                  value={typed[setting.name] ?? ''}
                  unsaid={isDesk ? `default: ${limitWords(setting, defaults[setting.name])}` : ''}
                  problem={problems[setting.name]}
                  isReadOnly={!said.may_change}
                  onChange={(text) => setTyped({ ...typed, [setting.name]: text })}
                />
              ))}
          </div>
        ))}
      </div>
      {said.may_change && (
        <Bar
          changed={changes.length}
          wrong={wrong}
          onUndo={() => startOver(said)}
          onReview={() => setIsReviewing(true)}
        />
      )}
      <Dialog
        isOpen={isReviewing}
        onClose={() => setIsReviewing(false)}
        title={`Change the limits of: ${subject.label}?`}
      >
        <Review
          subject={subject}
          seen={seen}
          limits={limits}
          changes={changes}
          onBack={() => setIsReviewing(false)}
          onSaved={(saved) => {
            startOver(saved);
            setIsReviewing(false);
          }}
        />
      </Dialog>
    </Section>
  );
}

function hintOf(isDesk: boolean, mayChange: boolean): string {
  const unsaid = isDesk ? 'the default holds' : 'what the wider scopes say holds';
  const who = isDesk
    ? 'Only an administrator of the desk changes these.'
    : 'Changing these needs the role OPERATOR or ADMIN.';
  const how = mayChange ? 'Type “none” for no limit, where that is allowed.' : who;
  return `An empty field says nothing: ${unsaid}. ${how}`;
}

interface BarProps {
  changed: number;
  wrong: number;
  onUndo: () => void;
  onReview: () => void;
}

function Bar({ changed, wrong, onUndo, onReview }: BarProps) {
  const isAsBefore = changed === 0 && wrong === 0;
  return (
    <Group justify="space-between" mt="md" gap="sm">
      <Text size="sm" aria-live="polite">
        {barWords(changed, wrong)}
      </Text>
      <Group gap="sm">
        <Button variant="default" disabled={isAsBefore} onClick={onUndo}>
          Undo changes
        </Button>
        <Button disabled={changed === 0 || wrong > 0} onClick={onReview}>
          Review and save…
        </Button>
      </Group>
    </Group>
  );
}

function barWords(changed: number, wrong: number): string {
  if (wrong > 0) return `Correct ${wrong === 1 ? 'one limit' : `${wrong} limits`} first.`;
  if (changed === 0) return 'Nothing is changed.';
  return `${changed} ${changed === 1 ? 'limit is' : 'limits are'} changed.`;
}

interface LimitProps {
  setting: Setting;
  value: string;
  unsaid: string;
  problem: string | undefined;
  isReadOnly: boolean;
  onChange: (text: string) => void;
}

function Limit({ setting, value, unsaid, problem, isReadOnly, onChange }: LimitProps) {
  const id = `limit-${setting.name}`;
  const bounds = boundsOf(setting);
  const unit = setting.unit === 'currency' ? '' : unitWords(setting);
  const help = `${setting.help}${bounds === '' ? '' : ` (${bounds}${unit === '%' ? ' %' : ''})`}`;
  return (
    <div className={styles.limit} data-wide={setting.kind === 'list' || undefined}>
      <div>
        <Text component="label" htmlFor={id} size="sm" fw={550}>
          {setting.title}
        </Text>
        <Text size="xs" c="dimmed" id={`${id}-help`}>
          {help}
          {unsaid !== '' && ` · ${unsaid}`}
        </Text>
      </div>
      {setting.kind === 'flag' ? (
        <NativeSelect
          id={id}
          aria-describedby={`${id}-help`}
          disabled={isReadOnly}
          value={value}
          onChange={(event) => onChange(event.currentTarget.value)}
          data={[
            { value: '', label: 'says nothing' },
            { value: 'on', label: 'yes' },
            { value: 'off', label: 'no' },
          ]}
        />
      ) : (
        <TextField
          id={id}
          aria-describedby={`${id}-help`}
          disabled={isReadOnly}
          placeholder="says nothing"
          value={value}
          error={problem}
          rightSection={
            unit === '' ? undefined : (
              <Text component="span" size="xs" c="dimmed" pr="xs">
                {unit}
              </Text>
            )
          }
          rightSectionWidth={unit === '' ? undefined : `${unit.length * 0.48 + 1.2}rem`}
          onChange={onChange}
        />
      )}
    </div>
  );
}

interface ReviewProps {
  subject: Subject;
  seen: ScopeLimits;
  limits: LimitValues;
  changes: readonly LimitChange[];
  onBack: () => void;
  onSaved: (saved: ScopeLimits) => void;
}

function Review({ subject, seen, limits, changes, onBack, onSaved }: ReviewProps) {
  const [reason, setReason] = useState('');
  const save = useCommand(
    () =>
      answerOf(
        api.PUT('/api/limits/{scope}/', {
          params: {
            path: { scope: subject.scope },
            query: subject.owner === undefined ? {} : { owner: subject.owner },
          },
          body: { based_on: seen.version, limits: limits as never, reason: reason.trim() },
        }),
      ),
    {
      told: (saved) => ({
        title: `Limits, version ${saved.version}`,
        message: 'In force from the next judgement of an order on.',
      }),
      after: onSaved,
    },
  );
  return (
    <CommandForm
      command={save}
      onSubmit={() => save.mutate()}
      onBack={onBack}
      submit="Save limits"
      isReady={reason.trim() !== ''}
    >
      <ChangeTable changes={changes} />
      <TextField
        label="Why (kept with the change)"
        required
        maxLength={500}
        value={reason}
        onChange={setReason}
      />
    </CommandForm>
  );
}
