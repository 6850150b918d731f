import { Button, Group, NativeSelect, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import { useChosenClient } from '@/client/hooks';
import { factsOf } from '@/client/problem';
import { refresh } from '@/client/queries';
import type { BacktestDetail, RecordingRow, StrategyKind } from '@/client/schema';
import { ConfigFields } from '@/components/config/ConfigFields';
import { ProblemNotice } from '@/components/ProblemNotice';
import { Section } from '@/components/Section';
import { newKey } from '@/lib/newKey';
import { formatCount } from '@/lib/numbers';
import styles from './backtests.module.css';
import { DataFields } from './DataFields';
import { type Asked, askOf, backtestSettings, EMPTY, type Form, formFrom, typedOf } from './form';
import { MarketFields } from './MarketFields';
import { Trials } from './Trials';
import type { Owner } from './useBacktestOwners';

interface BacktestFormProps {
  kinds: readonly StrategyKind[];
  recordings: readonly RecordingRow[];
  owners: readonly Owner[];
  /** The one to run again, changed. */
  earlier: BacktestDetail | undefined;
}

export interface FieldsProps {
  form: Form;
  change: (changes: Partial<Form>) => void;
  problems: Readonly<Record<string, string>>;
}

function useStart(asked: Asked | null, objective: string) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [key] = useState(newKey);
  return useMutation({
    mutationFn: async () => {
      if (asked === null) return;
      const { ask, grid } = asked;
      // The same form sent twice is one backtest; what was changed in between is another.
      const header = { 'Idempotency-Key': `${key}-${digest(JSON.stringify([ask, grid]))}` };
      if (grid === undefined) {
        const params = { params: { header }, body: ask };
        const { id } = await answerOf(api.POST('/api/backtests/', params));
        await navigate({ to: '/backtests/$id', params: { id } });
      } else {
        const body = { ...ask, grid, objective, max_concurrent: 16 };
        const { id } = await answerOf(
          api.POST('/api/backtests/sweeps/', { params: { header }, body }),
        );
        await navigate({ to: '/backtests/sweeps/$id', params: { id } });
      }
    },
    onSettled: () => void refresh(queries, ['backtests']),
  });
}

/** A short mark of `text`, to tell one request from the next of the same form. */
function digest(text: string): string {
  let mark = 0;
  for (const letter of text) mark = (Math.imul(mark, 31) + (letter.codePointAt(0) ?? 0)) | 0;
  return (mark >>> 0).toString(36);
}

export function BacktestForm({ kinds, recordings, owners, earlier }: BacktestFormProps) {
  const client = useChosenClient();
  const [form, setForm] = useState<Form>(() => {
    if (earlier !== undefined) return formFrom(earlier.request, earlier.client_id ?? '');
    const owner = owners.find((each) => each.id === client?.id) ?? owners[0];
    return { ...EMPTY, strategy: kinds[0]?.slug ?? '', owner: owner?.id ?? '' };
  });
  const kind = kinds.find((each) => each.slug === form.strategy) ?? kinds[0];
  const [typed, setTyped] = useState(() =>
    kind === undefined ? {} : typedOf(kind, (earlier?.request.config ?? {}) as never),
  );
  const [isTold, setIsTold] = useState(false);
  const asked = kind === undefined ? null : askOf(form, kind, typed);
  const start = useStart(asked, form.objective);
  if (kind === undefined || asked === null) {
    return <Text>No strategy is installed that could be run.</Text>;
  }
  const change = (changes: Partial<Form>) => {
    start.reset();
    setForm({ ...form, ...changes });
  };
  const chooseStrategy = (slug: string) => {
    const chosen = kinds.find((each) => each.slug === slug);
    if (chosen === undefined) return;
    change({ strategy: slug, trials: [] });
    setTyped(typedOf(chosen));
  };
  const told = Object.fromEntries(
    start.isError ? factsOf(start.error).errors.map((each) => [each.field, each.message]) : [],
  );
  const wrong = Object.keys(asked.problems).length;
  // What is merely not filled in yet is not scolded before the person has tried.
  const problems = { ...told, ...(isTold ? asked.problems : withoutEmpty(asked.problems)) };
  const fields = { form, change, problems };
  return (
    <form
      className={styles.form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        setIsTold(true);
        if (wrong === 0) start.mutate();
      }}
    >
      <Section title="What runs">
        <div className={styles.fields}>
          <NativeSelect
            label="Strategy"
            description={kind.description}
            value={kind.slug}
            onChange={(event) => chooseStrategy(event.currentTarget.value)}
            data={kinds.map((each) => ({ value: each.slug, label: each.name }))}
          />
          <NativeSelect
            label="For"
            description="Who sees the client sees its backtests."
            value={form.owner}
            onChange={(event) => change({ owner: event.currentTarget.value })}
            data={owners.map(({ id, name }) => ({ value: id, label: name }))}
          />
          <TextInput
            label="Name"
            description="How people call it; strategy and data if empty."
            maxLength={200}
            value={form.name}
            onChange={(event) => change({ name: event.currentTarget.value })}
          />
        </div>
      </Section>
      <Section title="On which data">
        <DataFields {...fields} recordings={recordings} />
      </Section>
      <Section title="Money and market">
        <MarketFields {...fields} />
      </Section>
      <Section title={`Settings of ${kind.name}`}>
        <ConfigFields
          settings={backtestSettings(kind)}
          typed={typed}
          problems={problems}
          onChange={(next) => {
            start.reset();
            setTyped(next);
          }}
        />
      </Section>
      <Section title="Several values at once">
        <Trials {...fields} settings={backtestSettings(kind)} />
      </Section>
      {start.isError && <ProblemNotice error={start.error} />}
      <div className={styles.bar}>
        <Text size="sm" aria-live="polite">
          {isTold && wrong > 0
            ? `Correct ${wrong === 1 ? 'one entry' : `${wrong} entries`} first.`
            : asked.grid === undefined
              ? 'One backtest.'
              : `A sweep of ${formatCount(asked.total)} backtests.`}
        </Text>
        <Group>
          <Button type="submit" loading={start.isPending}>
            {asked.grid === undefined ? 'Start the backtest' : 'Start the sweep'}
          </Button>
        </Group>
      </div>
    </form>
  );
}

function withoutEmpty(problems: Readonly<Record<string, string>>): Record<string, string> {
  const { data: _, ...rest } = problems;
  return rest;
}
