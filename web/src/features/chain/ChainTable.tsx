import { Text } from '@mantine/core';
import { Fragment, type ReactNode } from 'react';
import type { ChainAnswer, ChainSide, StrikeRow } from '@/client/schema';
import { CsvButton } from '@/components/CsvButton';
import { Hint } from '@/components/Hint';
import { Tag } from '@/components/Tag';
import {
  formatCount,
  formatDelta,
  formatLevel,
  formatPercentOne,
  formatSignedLevel,
} from '@/lib/numbers';
import styles from './chain.module.css';
import { QUOTE_CODES } from './codes';

const HEADS = ['OI', 'Volume', 'Theta', 'Vega', 'Delta', 'IV', 'Bid', 'Ask'] as const;

/** Calls on the left, puts on the right, the strike between them. */
export function ChainTable({ chain }: { chain: ChainAnswer }) {
  const { rows, underlying_price: spot } = chain;
  const firstAbove = rows.findIndex((row) => row.strike > spot);
  return (
    <>
      <div className={styles.tools}>
        <CsvButton
          name={`chain-${chain.symbol}-${chain.chosen ?? ''}`}
          cells={() => cellsOf(rows)}
        />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <section className={`panel ${styles.scroll}`} aria-label="Option chain" tabIndex={0}>
        <table className={styles.chain}>
          <thead>
            <tr>
              <th scope="colgroup" colSpan={HEADS.length + 1}>
                Calls
              </th>
              <td className={styles.strike} />
              <th scope="colgroup" colSpan={HEADS.length + 1}>
                Puts
              </th>
            </tr>
            <tr>
              <th scope="col" className={styles.code}>
                Notes
              </th>
              {HEADS.map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
              <th scope="col" className={styles.strike}>
                Strike
              </th>
              {[...HEADS].reverse().map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
              <th scope="col" className={styles.code}>
                Notes
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row, index) => (
              <Fragment key={row.strike}>
                {index === firstAbove && index > 0 && (
                  <tr className={styles.spot} aria-hidden>
                    <td colSpan={HEADS.length * 2 + 3} />
                  </tr>
                )}
                <Strike row={row} spot={spot} />
              </Fragment>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

const SIDE_FIGURES = {
  bid: 'bid',
  ask: 'ask',
  iv: 'iv',
  delta: 'delta',
  theta_per_day: 'theta a day',
  vega_point: 'vega a point',
  volume: 'volume',
  open_interest: 'open interest',
  code: 'quote',
} as const;

/** Bare values: what a spreadsheet reckons with. */
function cellsOf(rows: readonly StrikeRow[]): string[][] {
  const names = Object.keys(SIDE_FIGURES) as (keyof typeof SIDE_FIGURES)[];
  const heads = (side: string) => names.map((name) => `${side} ${SIDE_FIGURES[name]}`);
  const figures = (side: ChainSide | null) => names.map((name) => String(side?.[name] ?? ''));
  return [
    ['strike', ...heads('call'), ...heads('put')],
    ...rows.map((row) => [String(row.strike), ...figures(row.call), ...figures(row.put)]),
  ];
}

function Strike({ row, spot }: { row: StrikeRow; spot: number }) {
  const call = figures(row.call);
  const put = figures(row.put).reverse();
  return (
    <tr>
      <Side side={row.call} isInside={row.strike < spot} cells={call} isCall />
      <th scope="row" className={styles.strike}>
        {row.strike}
      </th>
      <Side side={row.put} isInside={row.strike > spot} cells={put} />
    </tr>
  );
}

interface SideProps {
  side: ChainSide | null;
  isInside: boolean;
  isCall?: boolean;
  cells: { key: string; text: string }[];
}

function Side({ side, isInside, isCall = false, cells }: SideProps) {
  const isFaulty = side?.code != null && side.code !== 'OK';
  const notes = (
    <td key="notes" className={styles.code} data-inside={isInside || undefined}>
      {side !== null && <Notes side={side} />}
    </td>
  );
  return (
    <>
      {isCall && notes}
      {cells.map(({ key, text }) => (
        <td key={key} data-inside={isInside || undefined} data-faulty={isFaulty || undefined}>
          {text}
        </td>
      ))}
      {!isCall && notes}
    </>
  );
}

function figures(side: ChainSide | null): { key: string; text: string }[] {
  const texts: Record<(typeof HEADS)[number], string> = {
    OI: formatCount(side?.open_interest ?? null),
    Volume: formatCount(side?.volume ?? null),
    Theta: formatSignedLevel(side?.theta_per_day ?? null),
    Vega: formatLevel(side?.vega_point ?? null),
    Delta: formatDelta(side?.delta ?? null),
    IV: formatPercentOne(side?.iv ?? null),
    Bid: formatLevel(side?.bid ?? null),
    Ask: formatLevel(side?.ask ?? null),
  };
  return HEADS.map((key) => ({ key, text: texts[key] }));
}

/** What is wrong with the quote, and what the strategies' latest runs made of the contract. */
function Notes({ side }: { side: ChainSide }): ReactNode {
  const best = side.picks.find((pick) => pick.recommended) ?? side.picks[0];
  return (
    <>
      {side.code !== null && side.code !== 'OK' && (
        <Hint label={QUOTE_CODES[side.code] ?? 'This quote may not be priced.'}>
          <Text span size="xs">
            {side.code.replaceAll('_', ' ').toLowerCase()}
          </Text>
        </Hint>
      )}
      {best !== undefined && (
        <Hint
          label={side.picks
            .map((pick) =>
              pick.recommended
                ? `${pick.strategy} recommends it, rank ${pick.rank}`
                : `${pick.strategy}: ${pick.why_not || `rank ${pick.rank}`}`,
            )
            .join(' · ')}
        >
          <Tag tone={best.recommended ? 'ok' : 'neutral'}>
            {best.recommended ? `PICK #${best.rank}` : `#${best.rank}`}
          </Tag>
        </Hint>
      )}
    </>
  );
}
