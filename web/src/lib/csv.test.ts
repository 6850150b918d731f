import { expect, it } from 'vitest';
import { plainFigure, tableCells, toCsv } from './csv';

it('quotes fields with commas, quotes and line breaks', () => {
  expect(
    toCsv([
      ['a', 'b'],
      ['1,5', 'say "hi"'],
      ['x\ny', '-12.40'],
    ]),
  ).toBe('a,b\r\n"1,5","say ""hi"""\r\n"x\ny",-12.40');
});

it('does not let a spreadsheet run a text as a formula', () => {
  expect(toCsv([['label'], ['=HYPERLINK("x")'], ['@cmd']])).toBe(
    'label\r\n"\'=HYPERLINK(""x"")"\r\n\'@cmd',
  );
});

it('writes figures as a spreadsheet reads them and leaves words alone', () => {
  expect(['−1,234.50', '+4.1%', '1,000 USD', '2 − 3', ''].map(plainFigure)).toEqual([
    '-1234.50',
    '+4.1%',
    '1,000 USD',
    '2 − 3',
    '',
  ]);
});

it('reads a table as it stands on the screen', () => {
  const table = document.createElement('table');
  table.innerHTML = `<thead><tr><th>Spot</th><th>P&amp;L</th></tr></thead>
    <tbody><tr><th>−5%</th><td> <b>−1,200</b>
    </td></tr></tbody>`;
  expect(tableCells(table)).toEqual([
    ['Spot', 'P&L'],
    ['-5%', '-1200'],
  ]);
});
