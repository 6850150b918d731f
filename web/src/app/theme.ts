import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

const green: MantineColorsTuple = [
  '#e6f7ee',
  '#cdeedd',
  '#9cdcb9',
  '#67ca93',
  '#3fbb74',
  '#24b160',
  '#139a4f',
  '#0a7a3d',
  '#086432',
  '#054d26',
];

const slate: MantineColorsTuple = [
  '#dbe1e9',
  '#bcc5d0',
  '#98a4b3',
  '#6a7687',
  '#3a4554',
  '#2c3541',
  '#1b222b',
  '#12171e',
  '#0d1117',
  '#080b10',
];

export const theme = createTheme({
  primaryColor: 'green',
  primaryShade: { light: 7, dark: 7 },
  colors: { green, dark: slate },
  defaultRadius: 'md',
  cursorType: 'pointer',
  fontFamily:
    "'Inter', ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'Cascadia Mono', Menlo, Consolas, monospace",
  headings: {
    fontWeight: '650',
    sizes: { h1: { fontSize: '1.375rem' }, h2: { fontSize: '1rem' } },
  },
  respectReducedMotion: true,
});

/** Mantine's dimmed grey and red are too faint on white for WCAG AA. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#55606d',
    '--mantine-color-placeholder': '#68737f',
    '--mantine-color-error': '#b3141d',
    '--mantine-color-anchor': '#0a6b37',
  },
  dark: {
    '--mantine-color-dimmed': '#9eabba',
    '--mantine-color-placeholder': '#8793a3',
    '--mantine-color-error': '#ff9d9d',
    '--mantine-color-anchor': '#67ca93',
  },
});
