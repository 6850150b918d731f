import { Text, Tooltip } from '@mantine/core';
import { IconCheck, IconX } from '@tabler/icons-react';
import { useExchangeTimeZone } from '@/client/hooks';
import type { ControlAnswer, RuleResult } from '@/client/schema';
import styles from '@/components/PlainTable.module.css';
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
    // A region that scrolls must be reachable by keyboard.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
    <section className={styles.scroll} tabIndex={0} aria-label={`${label}, table`}>
      <table className={`${styles.table} ${ruleStyles.table}`}>
        <thead>
          <tr>
            <th scope="col">Rule</th>
            <th scope="col" data-numeric>
              Value
            </th>
            <th scope="col" data-numeric>
              Threshold
            </th>
            <th scope="col">Result</th>
          </tr>
        </thead>
        <tbody>
          {ordered.map((rule) => (
            <tr key={rule.rule}>
              <td>
                <Tooltip label={rule.sentence ?? rule.rule}>
                  <span>{rule.label ?? ruleName(rule.rule)}</span>
                </Tooltip>
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
      </table>
    </section>
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
