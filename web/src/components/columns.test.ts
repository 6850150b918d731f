import { describe, expect, it } from 'vitest';
import { type Column, compareValues, exportRows, rowsMatching } from './columns';

interface Row {
  name: string;
  price: string | null;
}

const COLUMNS: Column<Row>[] = [
  { id: 'name', header: 'Name', kind: 'text', value: (row) => row.name },
  { id: 'price', header: 'Price', kind: 'decimal', value: (row) => row.price },
];

describe('columns', () => {
  it('sort decimals by value and texts with numbers in natural order', () => {
    expect(['10', '9.5', '9.50001'].sort((a, b) => compareValues('decimal', a, b))).toEqual([
      '9.5',
      '9.50001',
      '10',
    ]);
    const alike = ['1.00000000000000000002', '1.00000000000000000001', '1'];
    expect([...alike].sort((a, b) => compareValues('decimal', a, b))).toEqual(alike.reverse());
    expect(['SPY 1000 put', 'SPY 640 put'].sort((a, b) => compareValues('text', a, b))).toEqual([
      'SPY 640 put',
      'SPY 1000 put',
    ]);
  });

  it('match a filter when every word occurs in any column, in any case', () => {
    const spy = { name: 'SPY wheel', price: '4.15' };
    const qqq = { name: 'QQQ wheel', price: null };
    expect(rowsMatching(COLUMNS, [spy, qqq], 'WHEEL 4.1')).toEqual([spy]);
    expect(rowsMatching(COLUMNS, [spy, qqq], 'wheel iwm')).toEqual([]);
    expect(rowsMatching(COLUMNS, [spy, qqq], '  ')).toEqual([spy, qqq]);
  });

  it('export bare values, with nothing for what is not known', () => {
    expect(exportRows(COLUMNS, [{ name: 'SPY', price: null }])).toEqual([['SPY', '']]);
  });
});
