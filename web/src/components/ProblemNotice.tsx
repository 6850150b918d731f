import { Alert, Button, Group, List, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconRefresh } from '@tabler/icons-react';
import { factsOf } from '@/client/problem';

interface ProblemNoticeProps {
  error: unknown;
  onRetry?: () => void;
  isRetrying?: boolean;
}

/** A failure in plain words: what happened, why, and what to do next. */
export function ProblemNotice({ error, onRetry, isRetrying = false }: ProblemNoticeProps) {
  const facts = factsOf(error);
  return (
    <Alert
      role="alert"
      color="red"
      variant="outline"
      icon={<IconAlertTriangle aria-hidden />}
      title={facts.title}
      styles={{ root: { background: 'var(--danger-bg)' }, title: { color: 'var(--danger-fg)' } }}
    >
      <Stack gap="xs">
        {facts.detail !== '' && <Text size="sm">{facts.detail}</Text>}
        {facts.errors.length > 0 && (
          <List size="sm">
            {facts.errors.map((each) => (
              <List.Item key={`${each.field}${each.message}`}>
                <strong>{each.field}</strong>: {each.message}
              </List.Item>
            ))}
          </List>
        )}
        <Text size="sm" fw={600}>
          {facts.advice}
        </Text>
        <Group justify="space-between" align="center">
          <Text size="xs" ff="monospace">
            {facts.code}
            {facts.requestId !== null && ` · request ${facts.requestId}`}
          </Text>
          {onRetry !== undefined && (
            <Button
              variant="default"
              size="xs"
              leftSection={<IconRefresh size={14} aria-hidden />}
              loading={isRetrying}
              onClick={onRetry}
            >
              Try again
            </Button>
          )}
        </Group>
      </Stack>
    </Alert>
  );
}
