/** Analytics are float numbers, or null where they could not be measured. */

export const NOT_KNOWN = '–';

function numberFormat(options: Intl.NumberFormatOptions): (value: number | null) => string {
  const format = new Intl.NumberFormat('en-US', options);
  return (value) => (value === null ? NOT_KNOWN : format.format(value).replace('-', '−'));
}

/** A fraction as per cent: `0.0648` → `6.48%`. */
export const formatPercent = numberFormat({
  style: 'percent',
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
});

/** A fraction as per cent without the false precision of an estimate: `0.826` → `83%`. */
export const formatRoughPercent = numberFormat({ style: 'percent', maximumFractionDigits: 0 });

/** A fraction as per cent with one decimal, for annualised figures: `0.324` → `32.4%`. */
export const formatPercentOne = numberFormat({
  style: 'percent',
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});

/** A change as per cent with its sign: `+1.25%`. */
export const formatSignedPercent = numberFormat({
  style: 'percent',
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
  signDisplay: 'exceptZero',
});

/** An analytic amount in whole units, signed: `−12,400`. */
export const formatSignedCount = numberFormat({
  maximumFractionDigits: 0,
  signDisplay: 'exceptZero',
});

/** An analytic amount with its sign and two decimals: `+12.40`. */
export const formatSignedLevel = numberFormat({
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
  signDisplay: 'exceptZero',
});

/** An option delta: `−0.18`. */
export const formatDelta = numberFormat({ minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** Days, contracts and other counts: `37`, `12,400`. */
export const formatCount = numberFormat({ maximumFractionDigits: 0 });

/** A level of the underlying: `635.85`. */
export const formatLevel = numberFormat({ minimumFractionDigits: 2, maximumFractionDigits: 2 });
