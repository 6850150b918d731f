import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { answerOf, api } from '@/client/api';
import type { ApproveAsk, RecommendationDetail } from '@/client/schema';
import { AccountCell } from '@/components/AccountCell';
import { Refusal } from '@/components/CommandForm';
import {
  consequenceOf,
  limitEntry,
  limitProblem,
  type Narrowing,
  quantityProblem,
} from '@/lib/consequence';
import { compareDecimals, formatPrice, typedPrice } from '@/lib/decimal';
import { isPackage } from '@/lib/package';
import styles from './Forms.module.css';
import { MarketNow } from './MarketNow';
import { Meanwhile } from './Meanwhile';
import { offerOf } from './offer';
import { useDecision } from './useDecision';
import { useUsage } from './useUsage';

interface ApproveFormProps {
  detail: RecommendationDetail;
  /** The deadline passed while the form was open. */
  isOver: boolean;
  onDone: () => void;
}

/** The last look before an approval: the consequence in words, and room to take less. */
export function ApproveForm({ detail, isOver, onDone }: ApproveFormProps) {
  // What the person saw when the form opened is what they approve, whatever arrives meanwhile.
  const [seen] = useState(detail);
  const isDecided = detail.state !== 'PROPOSED';
  const offer = offerOf(seen);
  // Two approvals make one decision only where they ask for the same.
  const [first] = seen.approvals;
  const [quantity, setQuantity] = useState(String(first?.quantity ?? seen.quantity));
  const entry = limitEntry(offer);
  const [limit, setLimit] = useState(
    first?.limit_price == null ? entry.offered : typedPrice(entry.toPrice(first.limit_price)),
  );
  const quantityError = quantityProblem(offer, quantity);
  const limitError = limitProblem(offer, seen.terms.increments.bands, limit);
  const isValid = quantityError === null && limitError === null;
  const narrowing = isValid ? narrowed(seen, quantity, entry.toPrice(limit)) : null;
  const { mutate, error, isError, isPending, isOvertaken } = useDecision(
    (ask: ApproveAsk, key) =>
      answerOf(
        api.POST('/api/recommendations/{recommendation_id}/approve/', {
          params: { path: { recommendation_id: seen.id }, header: { 'Idempotency-Key': key } },
          body: ask,
        }),
      ),
    onDone,
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (narrowing !== null) mutate({ terms_hash: seen.terms_hash, ...narrowing });
  };
  const step = entry.isCredit ? 'or more' : 'or less';
  const units = isPackage(seen.legs) ? 'Packages' : 'Contracts';
  return (
    <form onSubmit={submit}>
      <Stack>
        <Meanwhile seen={seen} detail={detail} />
        <AccountCell account={seen.account} />
        <Words narrowing={narrowing} detail={seen} />
        {!isDecided && <MarketNow detail={seen} />}
        <Group grow align="flex-start">
          <TextInput
            label={units}
            description={offer.quantity === 1 ? 'one is offered' : `1 to ${offer.quantity}`}
            inputMode="numeric"
            value={quantity}
            error={quantityError}
            onChange={(event) => setQuantity(event.currentTarget.value.trim())}
          />
          <TextInput
            label={entry.label}
            description={`${formatPrice(entry.offered)} ${step}`}
            inputMode="decimal"
            value={limit}
            error={limitError}
            onChange={(event) => setLimit(event.currentTarget.value.trim())}
          />
        </Group>
        {isOver && <Text fw={600}>The deadline has passed. Nothing can be approved any more.</Text>}
        <Refusal error={error} isError={isError} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onDone}>
            {isOvertaken || isDecided ? 'Back to the card' : 'Go back'}
          </Button>
          <Button
            type="submit"
            loading={isPending}
            disabled={!isValid || isOver || isOvertaken || isDecided}
          >
            Confirm approval
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function narrowed(seen: RecommendationDetail, quantity: string, limit: string): Narrowing {
  return {
    quantity: Number(quantity) === seen.quantity ? null : Number(quantity),
    limit_price: compareDecimals(limit, seen.limit_price) === 0 ? null : limit,
  };
}

interface WordsProps {
  detail: RecommendationDetail;
  /** Null while what is typed makes no trade. */
  narrowing: Narrowing | null;
}

function Words({ detail, narrowing }: WordsProps) {
  if (narrowing === null)
    return <Text className={styles.consequence}>Correct the fields below.</Text>;
  return <Consequence detail={detail} narrowing={narrowing} />;
}

function Consequence({
  detail,
  narrowing,
}: {
  detail: RecommendationDetail;
  narrowing: Narrowing;
}) {
  const { trade, money, assignment } = consequenceOf(offerOf(detail), narrowing);
  const usage = useUsage(detail, narrowing.quantity);
  return (
    <div aria-live="polite" className={styles.consequence}>
      <Text fw={650}>{trade}</Text>
      <Text size="sm">
        {money} {assignment} {usage}
      </Text>
      {detail.needs_two_approvers && (
        <Text size="sm" fw={650}>
          {detail.approvals.length === 0
            ? 'Two people approve this: nothing is sent before somebody else approves it, too.'
            : `${detail.approvals[0]?.by} has approved it: yours is the second, and it is carried out.`}
        </Text>
      )}
      {detail.account.kind === 'LIVE' && (
        <Text size="sm" fw={650} className="loss">
          This account holds real money.
        </Text>
      )}
      <Text size="xs" c="dimmed" mt={4}>
        The quote, the account and every control are checked again before anything is sent.
      </Text>
    </div>
  );
}
