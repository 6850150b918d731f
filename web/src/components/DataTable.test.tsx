import { MantineProvider } from '@mantine/core';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import type { Column } from './columns';
import { DataTable } from './DataTable';

interface Row {
  id: string;
  price: string | null;
}

const COLUMNS: Column<Row>[] = [
  { id: 'id', header: 'Name', kind: 'text', value: (row) => row.id },
  { id: 'price', header: 'Price', kind: 'decimal', value: (row) => row.price },
];

const ROWS: Row[] = [
  { id: 'nine', price: '9.5' },
  { id: 'unknown', price: null },
  { id: 'ten', price: '10' },
];

const names = () =>
  screen
    .getAllByRole('row')
    .slice(1)
    .map((row) => row.textContent);

it('sorts by exact value in either direction, keeps the unknown last, and returns to its order', async () => {
  const user = userEvent.setup();
  render(
    <MantineProvider env="test">
      <DataTable
        label="Prices"
        columns={COLUMNS}
        rows={ROWS}
        rowKey={(row) => row.id}
        card={(row) => row.id}
      />
    </MantineProvider>,
  );
  const header = screen.getByRole('button', { name: 'Price' });
  const column = screen.getByRole('columnheader', { name: 'Price' });

  await user.click(header);
  expect(names()).toEqual(['ten10', 'nine9.5', 'unknown']);
  expect(column).toHaveAttribute('aria-sort', 'descending');
  await user.click(header);
  expect(names()).toEqual(['nine9.5', 'ten10', 'unknown']);
  expect(column).toHaveAttribute('aria-sort', 'ascending');
  await user.click(header);
  expect(names()).toEqual(['nine9.5', 'unknown', 'ten10']);
});
