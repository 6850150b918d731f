import { Anchor, Group, Stack, Text } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';
import { Link, useParams } from '@tanstack/react-router';
import { useMe } from '@/client/hooks';
import { PageTitle } from '@/components/PageTitle';
import { SectionTabs } from '@/components/SectionTabs';
import styles from './administration.module.css';
import { ClientsSection } from './ClientsSection';
import { GatewaysSection } from './GatewaysSection';
import { LimitsSection } from './LimitsSection';
import { UsersSection } from './UsersSection';

const SECTIONS = {
  users: { label: 'Users & roles', Part: UsersSection, who: 'admin' },
  clients: { label: 'Clients & accounts', Part: ClientsSection, who: 'everybody' },
  gateways: { label: 'Gateways', Part: GatewaysSection, who: 'operator' },
  limits: { label: 'Limits', Part: LimitsSection, who: 'everybody' },
} as const;

type Section = keyof typeof SECTIONS;

/** Who may do what, whose money it is, through which gateway, and how far anything may go. */
export function AdministrationPage() {
  const { user, clients } = useMe();
  const asked = useParams({ strict: false, select: (params) => params.section });
  const operates = clients.some(({ role }) => role === 'OPERATOR' || role === 'ADMIN');
  const mayOpen = {
    admin: user.is_admin,
    operator: user.is_admin || operates,
    everybody: true,
  };
  const open = (Object.keys(SECTIONS) as Section[]).filter((key) => mayOpen[SECTIONS[key].who]);
  const shown = open.find((key) => key === asked) ?? open[0] ?? 'limits';
  const { Part } = SECTIONS[shown];
  return (
    <Stack gap="md" className={styles.page}>
      <Group justify="space-between" gap="sm">
        <PageTitle>Administration</PageTitle>
        <Group gap="md">
          <Anchor component={Link} to="/account" size="sm">
            Your notification channels
          </Anchor>
          {user.is_admin && (
            <Anchor href="/admin/" target="_blank" rel="noreferrer" size="sm">
              Every table, read-only <IconExternalLink size={13} aria-hidden />
            </Anchor>
          )}
        </Group>
      </Group>
      <SectionTabs
        label="Parts of the administration"
        tabs={open.map((key) => ({
          label: SECTIONS[key].label,
          link: { to: '/administration/$section', params: { section: key } },
          isCurrent: key === shown,
        }))}
      />
      {asked !== undefined && asked !== shown && (
        <Text size="sm" c="dimmed">
          That part of the administration is not open to you. Ask an administrator of this desk.
        </Text>
      )}
      <Part />
    </Stack>
  );
}
