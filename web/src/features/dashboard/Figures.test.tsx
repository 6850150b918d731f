import { render, screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import type { Dashboard, DashboardTotal } from '@/client/schema';
import { Figures } from './Figures';

const total = (kind: DashboardTotal['kind'], net_liquidation: string): DashboardTotal => ({
  kind,
  currency: 'USD',
  accounts: 1,
  net_liquidation,
  cash: '1000',
  buying_power: '1000',
  maint_margin: '0',
  day_pnl: null,
  day_pnl_fraction: null,
  positions_count: 2,
});

const figures = (...totals: DashboardTotal[]) => {
  const dashboard: Dashboard = {
    accounts: [],
    totals,
    exposures: [],
    expiries: [],
    strategies: [],
  };
  return render(<Figures dashboard={dashboard} />);
};

it('gives each kind of money a line of its own, named where there are several', () => {
  figures(total('LIVE', '150000'), total('SIMULATED', '1000000'));
  const named = screen.getAllByText(/Net liquidation value/);
  expect(named.map((each) => each.textContent)).toEqual([
    'LIVE Net liquidation value, USD',
    'SIMULATED Net liquidation value, USD',
  ]);
  expect(screen.getByText('150,000')).toBeVisible();
  expect(screen.getByText('1,000,000')).toBeVisible();
});

it('leaves the kind to the header where there is but one', () => {
  figures(total('PAPER', '150000'));
  expect(screen.getByText(/Net liquidation value/).textContent).toBe('Net liquidation value, USD');
});
