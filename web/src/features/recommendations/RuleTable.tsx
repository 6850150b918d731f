import { Text } from '@mantine/core';
import { IconCheck, IconX } from '@tabler/icons-react';
import { useExchangeTimeZone } from '@/client/hooks';
import type { ControlAnswer, RuleResult } from '@/client/schema';
import { PlainTable } from '@/components/PlainTable';
import { Tag } from '@/components/Tag';
import { figureOf, ruleFigure, ruleName } from '@/lib/rules';
import ruleStyles from './RuleTable.module.css';

/** A rule of a strategy, or a control, whose words the desk gives. */
type Rule = RuleResult & Partial<Pick<ControlAnswer, 'label' | 'sentence' | 'figure'>>;

/** Every rule with what it saw, what it allowed, and whether it passed. Failures come first. */
export function RuleTable({ label, rules }: { label: string; rules: readonly Rule[] }) {
  const timeZone = useExchangeTimeZone();
  if (rules.length === 0) return <Text size="sm">No rules were recorded.</Text>;
  const ordered = [...rules].sort((a, b) => Number(a.passed) - Number(b.passed));
  return (
    <PlainTable
      label={`${label}, table`}
      className={ruleStyles.table}
      head={['Rule', { figure: 'Value' }, { figure: 'Threshold' }, 'Result']}
    >
      <tbody>
        {ordered.map((rule) => (
          <tr key={rule.rule}>
            <td>
              <span data-tip={rule.sentence}>{rule.label ?? ruleName(rule.rule)}</span>
            </td>
            <td data-numeric>
              {ruleFigure(rule.figure ?? figureOf(rule.rule), rule.value, timeZone)}
            </td>
            <td data-numeric>
              {ruleFigure(rule.figure ?? figureOf(rule.rule), rule.threshold, timeZone)}
            </td>
            <td>
              <Result rule={rule} />
            </td>
          </tr>
        ))}
      </tbody>
    </PlainTable>
  );
}

function Result({ rule }: { rule: Rule }) {
  if (rule.passed) {
    return (
      <Tag tone="ok" icon={<IconCheck size={13} aria-hidden />}>
        PASS
      </Tag>
    );
  }
  return (
    <>
      <Tag tone="danger" icon={<IconX size={13} aria-hidden />}>
        FAIL
      </Tag>
      {rule.code !== null && (
        <Text size="xs" c="dimmed" ff="monospace">
          {rule.code}
        </Text>
      )}
    </>
  );
}
