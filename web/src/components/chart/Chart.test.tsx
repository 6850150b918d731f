import { MantineProvider } from '@mantine/core';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it, vi } from 'vitest';
import { fakeApi } from '@/testing/fakeApi';
import { Chart } from './Chart';
import type { ChartTheme } from './chartTheme';

vi.mock('./Canvas', () => ({
  default: ({ theme }: { theme: ChartTheme }) => <i>drawn {theme.isDark ? 'dark' : 'light'}</i>,
}));

const NUMBERS = {
  columns: ['Day', 'Equity'],
  rows: [
    ['20 Nov', '1,000.00'],
    ['21 Nov', '1,012.50'],
  ],
};

it('says what it shows and hands over the numbers behind it', async () => {
  const user = userEvent.setup();
  fakeApi({});
  render(
    <MantineProvider env="test">
      <Chart label="Equity" summary="Up 1.25 %." option={() => ({})} numbers={NUMBERS} />
    </MantineProvider>,
  );
  expect(screen.getByRole('img', { name: 'Equity. Up 1.25 %.' })).toBeInTheDocument();
  expect(await screen.findByText('drawn light')).toBeInTheDocument();

  await user.click(screen.getByRole('button', { name: 'Numbers behind: Equity' }));
  expect(screen.queryByRole('img')).not.toBeInTheDocument();
  expect(screen.getByRole('row', { name: '21 Nov 1,012.50' })).toBeInTheDocument();
});
