import { useNavigate, useSearch } from '@tanstack/react-router';

/** What a table is sorted by: a column's id, or `-` and its id for descending. */
export interface Sorting {
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}

/** The words a list is filtered by, kept in the address as `filter`. */
export interface Filter {
  value: string;
  onChange: (value: string) => void;
}

/** Changes a part of the address in place; what is empty leaves it. */
export function useAddressChange(): (changes: Record<string, string | undefined>) => void {
  const navigate = useNavigate();
  return (changes) =>
    void navigate({
      to: '.',
      search: (search: Record<string, unknown>) => ({ ...search, ...changes }),
      replace: true,
    } as never);
}

/** Sorting kept in the address, for routes whose search takes `sort`. */
export function useAddressSorting(): Sorting {
  const value = useSearch({ strict: false, select: (search) => search.sort });
  const change = useAddressChange();
  return { value, onChange: (sort) => change({ sort }) };
}

/** The text filter kept in the address, for routes whose search takes `filter`. */
export function useAddressFilter(): Filter {
  const value = useSearch({ strict: false, select: (search) => search.filter }) ?? '';
  const change = useAddressChange();
  return { value, onChange: (text) => change({ filter: text || undefined }) };
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
