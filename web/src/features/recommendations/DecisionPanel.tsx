import { Button, Group, Stack, Text } from '@mantine/core';
import { IconCheck, IconX } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import { type RefObject, useEffect, useEffectEvent, useRef, useState } from 'react';
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
import { MarketNow } from './MarketNow';
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
  const decided = useFocusOnDecision(detail.decision !== null);
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
        {detail.state === 'PROPOSED' && <MarketNow detail={detail} />}
        {detail.state === 'PROPOSED' && <SecondApprover detail={detail} />}
        {detail.decision !== null && (
          <Decided ref={decided} decision={detail.decision} legs={detail.legs} />
        )}
        <Actions detail={detail} />
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
  const isOver = secondsLeft === 0;
  const mayDecide = detail.may_decide && !isOver;
  const go = (next: CardSearch['act']) =>
    void navigate({ search: (search) => ({ ...search, act: next }), replace: true });
  const close = () => go(undefined);
  const open = useOpenForm(act, detail.may_decide);
  useDecisionKeys(mayDecide && act === undefined, go);
  return (
    <>
      {detail.state === 'PROPOSED' && (
        <Buttons
          whyNot={mayDecide ? null : whyNotOf(detail, isOver)}
          onApprove={() => go('approve')}
          onReject={() => go('reject')}
        />
      )}
      <Dialog isOpen={open === 'approve'} onClose={close} title="Approve this trade?">
        <ApproveForm detail={detail} isOver={isOver} onDone={close} />
      </Dialog>
      <Dialog isOpen={open === 'reject'} onClose={close} title="Reject this recommendation?">
        <RejectForm detail={detail} onDone={close} />
      </Dialog>
    </>
  );
}

function whyNotOf(detail: RecommendationDetail, isOver: boolean): string {
  if (isOver) return 'The deadline has passed.';
  return detail.may_decide_why_not ?? 'You may not decide this recommendation.';
}

/**
 * The form that is open. None opens where nothing may be decided; one that is open stays when
 * somebody else decides meanwhile, and says so.
 */
function useOpenForm(act: CardSearch['act'], mayDecide: boolean): CardSearch['act'] {
  const [open, setOpen] = useState<CardSearch['act']>();
  const next = act !== undefined && (mayDecide || open === act) ? act : undefined;
  if (next !== open) setOpen(next);
  return next;
}

interface ButtonsProps {
  /** Null where the person may decide. */
  whyNot: string | null;
  onApprove: () => void;
  onReject: () => void;
}

function Buttons({ whyNot, onApprove, onReject }: ButtonsProps) {
  const common = {
    disabled: whyNot !== null,
    px: 8,
    'aria-describedby': whyNot === null ? undefined : 'why-not',
  };
  return (
    <div className={styles.actions}>
      {whyNot !== null && (
        <Text size="sm" fw={600} id="why-not">
          {whyNot}
        </Text>
      )}
      <Group grow gap="sm">
        <Button
          {...common}
          leftSection={<IconCheck size={16} aria-hidden />}
          aria-keyshortcuts="a"
          onClick={onApprove}
        >
          Approve… <Key name="a" />
        </Button>
        <Button
          {...common}
          variant="default"
          leftSection={<IconX size={16} aria-hidden />}
          aria-keyshortcuts="r"
          onClick={onReject}
        >
          Reject… <Key name="r" />
        </Button>
      </Group>
    </div>
  );
}

function Key({ name }: { name: string }) {
  return (
    <Text component="kbd" className={styles.key} aria-hidden>
      {name}
    </Text>
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

/** The button that had the focus goes with the decision: where that is told has it then. */
function useFocusOnDecision(isDecided: boolean): RefObject<HTMLDivElement | null> {
  const place = useRef<HTMLDivElement>(null);
  const wasDecided = useRef(isDecided);
  useEffect(() => {
    const isNew = isDecided && !wasDecided.current;
    if (isNew && document.activeElement === document.body) {
      place.current?.focus({ preventScroll: true });
    }
    wasDecided.current = isDecided;
  }, [isDecided]);
  return place;
}

interface DecidedProps {
  ref: RefObject<HTMLDivElement | null>;
  decision: DecisionAnswer;
  legs: RecommendationDetail['legs'];
}

function Decided({ ref, decision, legs }: DecidedProps) {
  const units = isPackage(legs) ? 'packages' : 'contracts';
  const narrowed = [
    decision.quantity !== null && `${decision.quantity} ${units} only`,
    decision.limit_price !== null && `at ${priceWords(legs, decision.limit_price)} or better`,
  ].filter(Boolean);
  return (
    <div ref={ref} tabIndex={-1} className={styles.decided}>
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
