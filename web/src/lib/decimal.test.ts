import { describe, expect, it } from 'vitest';
import {
  compareDecimals,
  difference,
  formatAmount,
  formatMoney,
  formatPrice,
  formatSignedMoney,
  isMultipleOf,
  isPositiveDecimal,
  product,
  typedPrice,
} from './decimal';

describe('exact decimals', () => {
  it('formats amounts a float could not hold without rounding them', () => {
    expect(formatMoney('9007199254740993.07')).toBe('9,007,199,254,740,993.07');
  });

  it('multiplies and subtracts exactly', () => {
    expect(product('4.15', '100', 3)).toBe('1245');
    expect(product('0.1', '3')).toBe('0.3');
    expect(difference('0.3', '0.1')).toBe('0.2');
  });

  it('compares by value, not by spelling', () => {
    expect(compareDecimals('4.10', '4.1')).toBe(0);
    expect(compareDecimals('10', '9')).toBe(1);
    expect(compareDecimals('-2', '1')).toBe(-1);
  });

  it('finds prices off the exchange increment', () => {
    expect(isMultipleOf('4.15', '0.05')).toBe(true);
    expect(isMultipleOf('4.17', '0.05')).toBe(false);
  });

  it('shows a price with two decimals at least and every further digit it has', () => {
    expect(formatPrice('4.1')).toBe('4.10');
    expect(formatPrice('0.375')).toBe('0.375');
  });

  it('offers a price to be edited as a person would type it', () => {
    expect(typedPrice('3.8')).toBe('3.80');
    expect(typedPrice('1234.375')).toBe('1234.375');
  });

  it('shows cents of an amount only where there are any', () => {
    expect(formatAmount('128000')).toBe('128,000');
    expect(formatAmount('1250.5')).toBe('1,250.50');
  });

  it('signs gains and losses, but not zero', () => {
    expect(formatSignedMoney('830')).toBe('+830.00');
    expect(formatSignedMoney('-12.4')).toBe('−12.40');
    expect(formatSignedMoney('0')).toBe('0.00');
  });

  it('takes only plain positive numbers as a typed price', () => {
    for (const text of ['4.15', '4', '0.05']) expect(isPositiveDecimal(text)).toBe(true);
    for (const text of ['', '0', '-1', '1e3', '4,15', '.5', '4.', ' 4', 'NaN']) {
      expect(isPositiveDecimal(text)).toBe(false);
    }
  });
});
