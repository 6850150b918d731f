import { Button, Group, Stack, Text } from '@mantine/core';
import { IconCheck, IconX } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useEffectEvent } from 'react';
import { useMe } from '@/client/hooks';
import type { DecisionAnswer, RecommendationDetail } from '@/client/schema';
import { Countdown, useSecondsLeft } from '@/components/Countdown';
import { Dialog } from '@/components/Dialog';
import { Moment } from '@/components/Moment';
import { Section } from '@/components/Section';
import { Tag } from '@/components/Tag';
import { consequenceOf } from '@/lib/consequence';
import { commandOf } from '@/lib/keyboard';
import { isPackage, priceWords } from '@/lib/package';
import { ApproveForm } from './ApproveForm';
import styles from './DecisionPanel.module.css';
import { offerOf } from './offer';
import { RejectForm } from './RejectForm';
import type { CardSearch } from './search';
import { useUsage } from './useUsage';

const route = getRouteApi('/desk/recommendations/$id');

/** What approving means, how long it may be done, and the two buttons. */
export function DecisionPanel({ detail }: { detail: RecommendationDetail }) {
  const { trade, money, assignment } = consequenceOf(
    offerOf(detail),
    detail.decision ?? TAKEN_AS_OFFERED,
  );
  const usage = useUsage(detail, null);
  return (
    <Section
      title={detail.state === 'PROPOSED' ? 'Decide' : 'Decision'}
      aside={detail.state === 'PROPOSED' && <Countdown deadline={detail.deadline} />}
    >
      <Stack gap="sm">
        <Text className={styles.trade}>{trade}</Text>
        <Text size="sm">
          {money} {assignment} {usage}
        </Text>
        {detail.state === 'PROPOSED' && <SecondApprover detail={detail} />}
        {detail.decision !== null && <Decided decision={detail.decision} legs={detail.legs} />}
        {detail.state === 'PROPOSED' && <Actions detail={detail} />}
      </Stack>
    </Section>
  );
}

/** Where two people approve: who has, and that it waits for somebody else. */
function SecondApprover({ detail }: { detail: RecommendationDetail }) {
  const me = useMe().user.id;
  const [first] = detail.approvals;
  if (first === undefined) {
    return detail.needs_two_approvers ? (
      <Text size="sm">Of this size two people approve, each by themselves.</Text>
    ) : null;
  }
  const units = isPackage(detail.legs) ? 'packages' : 'contracts';
  return (
    <div className={styles.decided}>
      <Tag tone="warn">WAITS FOR A SECOND APPROVER</Tag>
      <Text size="sm" fw={600} mt={4}>
        {first.by_id === me ? 'You approved it' : `Approved by ${first.by}`}
        {first.quantity !== null && `, ${first.quantity} ${units} only`}
        {first.limit_price !== null &&
          `, at ${priceWords(detail.legs, first.limit_price)} or better`}
      </Text>
      <Text size="xs" c="dimmed" component="div">
        <Moment at={first.approved_at} /> · nothing is sent before{' '}
        {first.by_id === me ? 'somebody else approves the same' : 'the same is approved again'}
      </Text>
    </div>
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
  useDecisionKeys(mayDecide && act === undefined, go);
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
            aria-keyshortcuts="a"
            aria-describedby={mayDecide ? undefined : 'why-not'}
            onClick={() => go('approve')}
          >
            Approve…{' '}
            <Text component="kbd" className={styles.key} aria-hidden>
              a
            </Text>
          </Button>
          <Button
            variant="default"
            leftSection={<IconX size={18} aria-hidden />}
            disabled={!mayDecide}
            aria-keyshortcuts="r"
            aria-describedby={mayDecide ? undefined : 'why-not'}
            onClick={() => go('reject')}
          >
            Reject…{' '}
            <Text component="kbd" className={styles.key} aria-hidden>
              r
            </Text>
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

/** `a` and `r` on the card as in the queue; they open a dialog and decide nothing. */
function useDecisionKeys(isOn: boolean, open: (act: 'approve' | 'reject') => void): void {
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (document.querySelector('[role="dialog"]') !== null || event.defaultPrevented) return;
    const command = commandOf(event, event.target);
    if (command !== 'approve' && command !== 'reject') return;
    // Or the letter is typed into the field that takes the focus.
    event.preventDefault();
    open(command);
  });
  useEffect(() => {
    if (!isOn) return;
    const listener = (event: KeyboardEvent) => onKey(event);
    window.addEventListener('keydown', listener);
    return () => window.removeEventListener('keydown', listener);
  }, [isOn]);
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
