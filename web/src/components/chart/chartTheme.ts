/** Colours of every chart: told apart by colour-blind eyes and readable in both themes. */

export interface ChartTheme {
  isDark: boolean;
  ink: string;
  muted: string;
  line: string;
  surface: string;
  /** Series in this order; lines should differ in dash as well. */
  series: readonly string[];
  gain: string;
  loss: string;
  warn: string;
  /** From the worst loss over nothing to the best gain: orange to blue, never red to green. */
  diverging: readonly string[];
}

const LIGHT: ChartTheme = {
  isDark: false,
  ink: '#1b222b',
  muted: '#55606d',
  line: '#dde2e8',
  surface: '#ffffff',
  series: ['#0a6b9c', '#c2560c', '#0b7a57', '#7a3ea8', '#8a6d00', '#b1296f', '#46525f'],
  gain: '#0a6b9c',
  loss: '#c2560c',
  warn: '#8a6d00',
  diverging: ['#a63603', '#e6762c', '#fbb57b', '#f3f4f6', '#9ecae1', '#4394c7', '#08519c'],
};

const DARK: ChartTheme = {
  isDark: true,
  ink: '#dbe1e9',
  muted: '#9eabba',
  line: '#2c3541',
  surface: '#161c24',
  series: ['#5db7e8', '#f0904a', '#45c99a', '#c39af0', '#e3c34d', '#f08abf', '#a7b3c0'],
  gain: '#5db7e8',
  loss: '#f0904a',
  warn: '#e3c34d',
  diverging: ['#f58f4d', '#96501f', '#6b432b', '#262e38', '#2a4d69', '#2f6d99', '#63b5e8'],
};

export function chartTheme(isDark: boolean): ChartTheme {
  return isDark ? DARK : LIGHT;
}
