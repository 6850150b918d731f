import { expect, it } from 'vitest';
import { hiddenColumns, toggleColumn } from './columnChoice';

it('remembers which columns of which table were put away', () => {
  toggleColumn('orders', 'commission');
  toggleColumn('orders', 'account');
  toggleColumn('orders', 'commission');
  expect([...hiddenColumns('orders')]).toEqual(['account']);
  expect(window.localStorage.getItem('greenlight-columns-orders')).toBe('account');
  expect(hiddenColumns('executions').size).toBe(0);
});
