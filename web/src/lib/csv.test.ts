import { expect, it } from 'vitest';
import { toCsv } from './csv';

it('quotes fields with commas, quotes and line breaks', () => {
  expect(
    toCsv(
      ['a', 'b'],
      [
        ['1,5', 'say "hi"'],
        ['x\ny', '-12.40'],
      ],
    ),
  ).toBe('a,b\r\n"1,5","say ""hi"""\r\n"x\ny",-12.40');
});

it('does not let a spreadsheet run a text as a formula', () => {
  expect(toCsv(['label'], [['=HYPERLINK("x")'], ['@cmd']])).toBe(
    'label\r\n"\'=HYPERLINK(""x"")"\r\n\'@cmd',
  );
});
