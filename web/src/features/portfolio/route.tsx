import { createRoute } from '@tanstack/react-router';
import { deskRoute } from '@/app/deskRoute';
import { lazyScreen } from '@/app/lazyScreen';
import { PERIODS } from '@/lib/periods';
import { oneOf, texts } from '@/lib/searchParams';

const VIEWS = ['positions', 'underlyings', 'stress', 'margin', 'calendar'] as const;

export type PortfolioView = (typeof VIEWS)[number];

export const portfolioRoute = createRoute({
  getParentRoute: () => deskRoute,
  path: '/risk',
  validateSearch: (raw: Record<string, unknown>) => ({
    ...oneOf(raw, 'view', VIEWS),
    ...oneOf(raw, 'period', PERIODS),
    ...texts(raw, 'account', 'filter', 'sort'),
  }),
  component: lazyScreen(() => import('./PortfolioPage'), 'PortfolioPage'),
});
