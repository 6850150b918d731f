import { expect, it } from 'vitest';
import { strategyRow, strategyRun } from '@/testing/factories';
import { runSummary, whyQuiet } from './runs';

const running = strategyRow({ last_run: strategyRun({ status: 'RUNNING' }) });
const fresh = strategyRow({ last_run: null });
const off = strategyRow({ enabled: false });

it('tells a first run under way from none, and both from one that found nothing', () => {
  expect(whyQuiet([running, strategyRow()])).toBe('under-way');
  expect(whyQuiet([fresh])).toBe('not-yet');
  expect(whyQuiet([fresh, strategyRow()])).toBe('ran');
});

it('counts what is switched off only while it runs', () => {
  expect(whyQuiet([])).toBe('none-on');
  expect(whyQuiet([off])).toBe('none-on');
  expect(whyQuiet([{ ...running, enabled: false }])).toBe('under-way');
});

it('says what a run came to, and why where it found nothing', () => {
  expect(runSummary(strategyRun())).toBe('No put pays 0.5 % of what it ties up.');
  expect(runSummary(strategyRun({ proposed: 1, opportunities: 14 }))).toBe(
    '1 recommendation of 14 found',
  );
});
