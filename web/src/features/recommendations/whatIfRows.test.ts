import { expect, it } from 'vitest';
import { whatIfRows } from './whatIfRows';

it('shows before, after and the exact difference', () => {
  const preview = { init_margin_before: '84210.44', init_margin_after: '103418.12' };
  expect(whatIfRows(preview)).toEqual([
    { label: 'Initial margin', before: '84210.44', after: '103418.12', change: '19207.68' },
  ]);
});

it('leaves out figures the broker did not give', () => {
  expect(whatIfRows({ maint_margin_before: '1', maint_margin_after: null })).toEqual([]);
});
