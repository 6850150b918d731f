import { useParams } from '@tanstack/react-router';
import { useChosenClient } from '@/client/hooks';
import { AuditTrail } from './AuditTrail';
import { BrokerMessages } from './BrokerMessages';
import { Health } from './Health';
import { StrategyErrors } from './StrategyErrors';

/** One of the logs, by its name in the address. */
export function LogPage() {
  const log = useParams({ strict: false, select: (params) => params.log });
  const client = useChosenClient()?.id;
  if (log === 'broker-messages') return <BrokerMessages key={log} client={client} />;
  if (log === 'audit') return <AuditTrail key={log} />;
  if (log === 'health') return <Health key={log} />;
  return <StrategyErrors key={log} client={client} />;
}
