import { Anchor, Group, Skeleton, Stack, Text, VisuallyHidden } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { recommendationQuery } from '@/client/queries';
import type { RecommendationDetail } from '@/client/schema';
import { AccountCell } from '@/components/AccountCell';
import { DetailScreen } from '@/components/DetailScreen';
import { PageTitle } from '@/components/PageTitle';
import { Section } from '@/components/Section';
import { StateTag } from '@/components/Tag';
import { Timeline } from '@/components/Timeline';
import { ORDER_STATES, RECOMMENDATION_STATES } from '@/lib/states';
import { Ahead } from './Ahead';
import styles from './CardPage.module.css';
import { DecisionPanel } from './DecisionPanel';
import { Drift } from './Drift';
import { MarginAfter } from './MarginAfter';
import { OrderLife } from './OrderLife';
import { Outcome } from './Outcome';
import { Risks } from './Risks';
import { RuleTable } from './RuleTable';
import { Similar } from './Similar';
import { TermChanges } from './TermChanges';
import { TermsFacts } from './TermsFacts';

const route = getRouteApi('/desk/recommendations/$id');

/** The decision card: what is offered and why, the decision, and the order's life after it. */
export function CardPage() {
  const { id } = route.useParams();
  const query = useQuery(recommendationQuery(id));
  return (
    <DetailScreen
      query={query}
      back={{ to: '/recommendations', label: 'Recommendations' }}
      skeleton={<CardSkeleton />}
    >
      {(detail) => <Card detail={detail} />}
    </DetailScreen>
  );
}

function Card({ detail }: { detail: RecommendationDetail }) {
  const isDecided = detail.state !== 'PROPOSED';
  return (
    <>
      <Heading detail={detail} />
      <div className={styles.columns}>
        <Stack gap="md" className={styles.side}>
          <DecisionPanel detail={detail} />
          <Section title="Timeline" aside={<WorkflowLink url={detail.workflow_url} />}>
            <Timeline
              steps={detail.timeline.map((entry, index) => ({
                key: `${index}${entry.at}`,
                ...entry,
              }))}
            />
          </Section>
        </Stack>
        <Stack gap="md" className={styles.body}>
          <Outcome detail={detail} />
          {isDecided && <OrderLife detail={detail} />}
          <TermChanges detail={detail} />
          <Section title="Terms">
            <TermsFacts detail={detail} />
          </Section>
          <Section title="Why">
            <Why detail={detail} />
          </Section>
          <Ahead id={detail.id} title="What can go wrong" height={420} isFirst>
            {(answer) => <Risks detail={detail} answer={answer} />}
          </Ahead>
          <MarginAfter detail={detail} />
          {!isDecided && (
            <Ahead id={detail.id} title="The market since the proposal" height={120}>
              {({ drift }) => <Drift detail={detail} drift={drift} />}
            </Ahead>
          )}
          {detail.controls.length > 0 && (
            <Section title="Pre-trade controls">
              <RuleTable label="Pre-trade controls" rules={detail.controls} />
            </Section>
          )}
          <Ahead id={detail.id} title="Similar recommendations before" height={80}>
            {({ similar }) => <Similar rows={similar} />}
          </Ahead>
        </Stack>
      </div>
      <Status detail={detail} />
    </>
  );
}

/** The reasons in sentences, every rule with what it saw, and what else the run found. */
function Why({ detail }: { detail: RecommendationDetail }) {
  return (
    <Stack gap="sm">
      <Text className={styles.rationale}>{detail.rationale || 'No rationale was recorded.'}</Text>
      <RuleTable label="Strategy rules" rules={detail.rule_trace} />
      <Anchor
        component={Link}
        to="/opportunities"
        search={{ strategy: detail.strategy.instance_id } as never}
        size="sm"
      >
        What else {detail.strategy.name} found, and why not that
      </Anchor>
    </Stack>
  );
}

const AIMS = {
  OPEN: 'opens a position',
  CLOSE: 'closes a position',
  ROLL: 'rolls a position',
} as const;

function Heading({ detail }: { detail: RecommendationDetail }) {
  return (
    <div>
      <PageTitle>{detail.trade}</PageTitle>
      <Group gap="xs" mt={6}>
        <StateTag state={detail.state} words={RECOMMENDATION_STATES} />
        {detail.order_state !== null && (
          <StateTag state={detail.order_state} words={ORDER_STATES} />
        )}
        <AccountCell account={detail.account} />
        <Text component="span" size="sm" c="dimmed">
          {detail.strategy.name} · {AIMS[detail.action]}
        </Text>
      </Group>
    </div>
  );
}

function WorkflowLink({ url }: { url: string }) {
  return (
    <Anchor href={url} target="_blank" rel="noreferrer" size="sm">
      Open in Temporal Web <IconExternalLink size={13} aria-hidden />
    </Anchor>
  );
}

/** Tells a screen reader what changed, in one sentence. */
function Status({ detail }: { detail: RecommendationDetail }) {
  const order =
    detail.order_state === null
      ? ''
      : ` Order ${detail.order_state}, ${detail.filled_quantity} of ${detail.quantity} filled.`;
  return (
    <VisuallyHidden role="status">
      Recommendation {detail.state}.{order}
    </VisuallyHidden>
  );
}

function CardSkeleton() {
  return (
    <Stack role="status">
      <VisuallyHidden>Loading the recommendation…</VisuallyHidden>
      <Skeleton height={32} width="60%" />
      <Skeleton height={22} width="40%" />
      <Group align="flex-start" grow>
        <Skeleton height={320} />
        <Skeleton height={320} visibleFrom="md" />
      </Group>
    </Stack>
  );
}
