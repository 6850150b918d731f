import { Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Dialog } from '@/components/Dialog';
import { ChooseStep } from './ChooseStep';
import { KillStep } from './KillStep';
import { tradingStatesQuery } from './queries';
import { Report } from './Report';
import { StopProblem } from './StopProblem';

type Step =
  | { name: 'choose' }
  | { name: 'kill'; account: string | undefined }
  | { name: 'report'; pressing: string };

const TITLES: Record<Step['name'], string> = {
  choose: 'Trading',
  kill: 'Press the kill switch?',
  report: 'Kill switch pressed',
};

/** Stops trading, in two steps: what it does to which accounts, then the confirmation. */
export default function StoppingDialog({ onClose }: { onClose: () => void }) {
  const [step, setStep] = useState<Step>({ name: 'choose' });
  const states = useQuery(tradingStatesQuery);
  return (
    <Dialog isOpen onClose={onClose} title={TITLES[step.name]}>
      <Stack>
        {states.isError && (
          <StopProblem error={states.error} onRetry={() => void states.refetch()} />
        )}
        {states.isPending && <Skeleton height={160} />}
        {states.data !== undefined && step.name === 'choose' && (
          <ChooseStep
            states={states.data}
            onKill={(account) => setStep({ name: 'kill', account })}
            onDone={onClose}
          />
        )}
        {step.name === 'kill' && (
          <KillStep
            account={step.account}
            onBack={() => setStep({ name: 'choose' })}
            onPressed={(pressing) => setStep({ name: 'report', pressing })}
          />
        )}
        {step.name === 'report' && <Report pressing={step.pressing} onClose={onClose} />}
      </Stack>
    </Dialog>
  );
}
