import { useNavigate, useSearch } from '@tanstack/react-router';

/** What a table is sorted by: a column's id, or `-` and its id for descending. */
export interface Sorting {
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}

/** Sorting kept in the address, for routes whose search takes `sort`. */
export function useAddressSorting(): Sorting {
  const value = useSearch({ strict: false, select: (search) => search.sort });
  const navigate = useNavigate();
  return {
    value,
    onChange: (sort) =>
      void navigate({
        to: '.',
        search: (search: Record<string, unknown>) => ({ ...search, sort }),
        replace: true,
      } as never),
  };
}

export function parseSorting(value: string | undefined): { id: string; desc: boolean }[] {
  if (value === undefined || value === '' || value === '-') return [];
  return value.startsWith('-')
    ? [{ id: value.slice(1), desc: true }]
    : [{ id: value, desc: false }];
}

export function formatSorting(
  sorting: readonly { id: string; desc: boolean }[],
): string | undefined {
  const [first] = sorting;
  return first === undefined ? undefined : `${first.desc ? '-' : ''}${first.id}`;
}
