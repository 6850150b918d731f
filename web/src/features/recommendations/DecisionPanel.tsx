import { Button, Group, Stack, Text } from '@mantine/core';
import { IconCheck, IconX } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import type { DecisionAnswer, RecommendationDetail } from '@/client/schema';
import { Countdown, useSecondsLeft } from '@/components/Countdown';
import { Dialog } from '@/components/Dialog';
import { Moment } from '@/components/Moment';
import { Section } from '@/components/Section';
import { consequenceOf } from '@/lib/consequence';
import { isPackage, priceWords } from '@/lib/package';
import { ApproveForm } from './ApproveForm';
import styles from './DecisionPanel.module.css';
import { offerOf } from './offer';
import { RejectForm } from './RejectForm';
import type { CardSearch } from './search';

const route = getRouteApi('/desk/recommendations/$id');

/** What approving means, how long it may be done, and the two buttons. */
export function DecisionPanel({ detail }: { detail: RecommendationDetail }) {
  const { trade, money, assignment } = consequenceOf(
    offerOf(detail),
    detail.decision ?? TAKEN_AS_OFFERED,
  );
  return (
    <Section
      title={detail.state === 'PROPOSED' ? 'Decide' : 'Decision'}
      aside={detail.state === 'PROPOSED' && <Countdown deadline={detail.deadline} />}
    >
      <Stack gap="sm">
        <Text className={styles.trade}>{trade}</Text>
        <Text size="sm">
          {money} {assignment}
        </Text>
        {detail.decision !== null && <Decided decision={detail.decision} legs={detail.legs} />}
        {detail.state === 'PROPOSED' && <Actions detail={detail} />}
      </Stack>
    </Section>
  );
}

const TAKEN_AS_OFFERED = { quantity: null, limit_price: null };

function Actions({ detail }: { detail: RecommendationDetail }) {
  const { act } = route.useSearch();
  const navigate = route.useNavigate();
  const secondsLeft = useSecondsLeft(detail.deadline);
  const whyNot = secondsLeft === 0 ? 'The deadline has passed.' : detail.may_decide_why_not;
  const mayDecide = detail.may_decide && secondsLeft !== 0;
  const go = (next: CardSearch['act']) =>
    void navigate({ search: (search) => ({ ...search, act: next }), replace: true });
  const close = () => go(undefined);
  return (
    <>
      <div className={styles.actions}>
        {!mayDecide && (
          <Text size="sm" fw={600} id="why-not">
            {whyNot ?? 'You may not decide this recommendation.'}
          </Text>
        )}
        <Group grow gap="sm">
          <Button
            leftSection={<IconCheck size={18} aria-hidden />}
            disabled={!mayDecide}
            aria-describedby={mayDecide ? undefined : 'why-not'}
            onClick={() => go('approve')}
          >
            Approve…
          </Button>
          <Button
            variant="default"
            leftSection={<IconX size={18} aria-hidden />}
            disabled={!mayDecide}
            aria-describedby={mayDecide ? undefined : 'why-not'}
            onClick={() => go('reject')}
          >
            Reject…
          </Button>
        </Group>
      </div>
      <Dialog
        isOpen={act === 'approve' && detail.may_decide}
        onClose={close}
        title="Approve this trade?"
      >
        <ApproveForm detail={detail} isOver={secondsLeft === 0} onDone={close} />
      </Dialog>
      <Dialog
        isOpen={act === 'reject' && detail.may_decide}
        onClose={close}
        title="Reject this recommendation?"
      >
        <RejectForm detail={detail} onDone={close} />
      </Dialog>
    </>
  );
}

interface DecidedProps {
  decision: DecisionAnswer;
  legs: RecommendationDetail['legs'];
}

function Decided({ decision, legs }: DecidedProps) {
  const units = isPackage(legs) ? 'packages' : 'contracts';
  const narrowed = [
    decision.quantity !== null && `${decision.quantity} ${units} only`,
    decision.limit_price !== null && `at ${priceWords(legs, decision.limit_price)} or better`,
  ].filter(Boolean);
  return (
    <div className={styles.decided}>
      <Text size="sm" fw={600}>
        {decision.action === 'APPROVE' ? 'Approved' : 'Rejected'} by {decision.by}
        {narrowed.length > 0 && `, ${narrowed.join(', ')}`}
      </Text>
      {decision.reason !== null && <Text size="sm">“{decision.reason}”</Text>}
      <Text size="xs" c="dimmed">
        <Moment at={decision.decided_at} />
        {decision.delivered_at === null && ' · on its way to the workflow'}
      </Text>
    </div>
  );
}
