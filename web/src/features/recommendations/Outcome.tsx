import { Alert, Anchor, Stack, Text } from '@mantine/core';
import { IconInfoCircle } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { RecommendationDetail } from '@/client/schema';
import { RECOMMENDATION_STATES } from '@/lib/states';

/** How it ended and what to do next, for recommendations that ended other than in a full fill. */
export function Outcome({ detail }: { detail: RecommendationDetail }) {
  const relations = relationsOf(detail);
  const isQuiet = ['PROPOSED', 'APPROVED', 'COMPLETED'].includes(detail.state);
  if (isQuiet && relations.length === 0) return null;
  const { tone, meaning } = RECOMMENDATION_STATES[detail.state];
  return (
    <Alert
      icon={<IconInfoCircle aria-hidden />}
      variant="outline"
      title={isQuiet ? 'Related recommendations' : `${detail.state}: ${meaning}`}
      styles={{
        root: { background: `var(--${tone}-bg)`, borderColor: 'transparent' },
        title: { color: `var(--${tone}-fg)` },
        icon: { color: `var(--${tone}-fg)` },
      }}
    >
      <Stack gap={4}>
        {!isQuiet && detail.reason !== '' && <Text size="sm">{detail.reason}</Text>}
        {!isQuiet && detail.advice !== null && (
          <Text size="sm" fw={600}>
            {detail.advice}
          </Text>
        )}
        {relations.map(({ label, id }) => (
          <Anchor
            key={label}
            component={Link}
            to="/recommendations/$id"
            params={{ id } as never}
            size="sm"
            c="inherit"
            td="underline"
          >
            {label}
          </Anchor>
        ))}
        {!isQuiet && detail.reason_code !== null && (
          <Text size="xs" ff="monospace">
            {detail.reason_code}
          </Text>
        )}
      </Stack>
    </Alert>
  );
}

function relationsOf(detail: RecommendationDetail): { label: string; id: string }[] {
  const relations = [
    { label: 'See the successor on fresh terms', id: detail.successor_id },
    { label: 'See the recommendation that replaced this one', id: detail.superseded_by_id },
    { label: 'See the recommendation this one follows', id: detail.predecessor_id },
  ];
  return relations.filter((each): each is { label: string; id: string } => each.id !== null);
}
