import '@/styles/segmentedControl';
import { Group, SegmentedControl, Stack } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useChosenClient } from '@/client/hooks';
import { AccountFilter } from '@/components/AccountFilter';
import { DayInput } from '@/components/DayInput';
import { PageTitle } from '@/components/PageTitle';
import { Decisions } from './Decisions';
import styles from './journal.module.css';
import { Results } from './Results';

const route = getRouteApi('/desk/journal');

const VIEWS = [
  { value: 'results', label: 'Results' },
  { value: 'cycles', label: 'Wheel cycles' },
  { value: 'decisions', label: 'Decisions' },
] as const;

/** What trading has brought, and what became of what was decided. */
export function JournalPage() {
  const { view: asked, account, since } = route.useSearch();
  // An address may say anything.
  const view = VIEWS.find(({ value }) => value === asked)?.value ?? 'results';
  const navigate = route.useNavigate();
  const client = useChosenClient()?.id;
  return (
    <Stack gap="md" className={styles.page}>
      <Group justify="space-between" gap="sm">
        <PageTitle>Journal</PageTitle>
        <Group gap="sm">
          <SegmentedControl
            aria-label="View"
            value={view}
            data={[...VIEWS]}
            onChange={(value) =>
              // What another table was sorted and filtered by means nothing here.
              void navigate({
                search: (before) => ({
                  ...before,
                  view: value as never,
                  sort: undefined,
                  filter: undefined,
                }),
                replace: true,
              })
            }
          />
          {view !== 'decisions' && (
            <DayInput
              label="Since"
              hint="Since this day; all there is if empty"
              value={since}
              onChange={(day) =>
                void navigate({ search: (before) => ({ ...before, since: day }), replace: true })
              }
            />
          )}
          <AccountFilter
            value={account}
            onChange={(id) =>
              void navigate({ search: (before) => ({ ...before, account: id }), replace: true })
            }
          />
        </Group>
      </Group>
      {view === 'decisions' ? (
        <Decisions client={client} account={account} />
      ) : (
        <Results view={view} client={client} account={account} since={since} />
      )}
    </Stack>
  );
}
