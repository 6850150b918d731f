import { Skeleton, Stack, VisuallyHidden } from '@mantine/core';

const ROWS = ['a', 'b', 'c', 'd', 'e', 'f'];

/** The shape of a list while it is on its way. */
export function PageSkeleton() {
  return (
    <Stack gap="sm" p="md" role="status">
      <VisuallyHidden>Loading…</VisuallyHidden>
      <Skeleton height={28} width={220} />
      <Skeleton height={36} />
      {ROWS.map((row) => (
        <Skeleton key={row} height={44} />
      ))}
    </Stack>
  );
}
