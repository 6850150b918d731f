import { Button } from '@mantine/core';
import { IconCompass } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { EmptyState } from '@/components/EmptyState';

export function NotFound() {
  return (
    <EmptyState
      icon={IconCompass}
      isPage
      title="There is no such page"
      action={
        <Button component={Link} to="/recommendations" variant="default">
          Go to the recommendations
        </Button>
      }
    >
      The address may be mistyped, or the page may have moved.
    </EmptyState>
  );
}
