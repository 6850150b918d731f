import '@mantine/core/styles/PasswordInput.layer.css';
import { Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useRouter } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { answerOf, api } from '@/client/api';
import { hasCode } from '@/client/problem';
import { meQuery } from '@/client/queries';
import { Brand } from '@/components/Brand';
import { PageTitle } from '@/components/PageTitle';
import { ProblemNotice } from '@/components/ProblemNotice';
import { safeReturnPath } from '@/lib/returnPath';
import styles from './LoginPage.module.css';

const route = getRouteApi('/login');

export function LoginPage() {
  const search = route.useSearch();
  const router = useRouter();
  const queries = useQueryClient();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState<string>();
  const { data: methods } = useQuery({
    queryKey: ['methods'],
    queryFn: () => answerOf(api.GET('/api/auth/methods/')),
  });
  const isRefused = new URLSearchParams(window.location.search).has('refused');
  const signIn = useMutation({
    mutationFn: () =>
      answerOf(api.POST('/api/auth/login/', { body: { email: email.trim(), password, code } })),
    onSuccess: (me) => {
      queries.clear();
      queries.setQueryData(meQuery.queryKey, me);
      router.history.push(safeReturnPath(search.return));
    },
    onError: (error) => {
      // The password was right: only the second step is left, or has to be taken again.
      if (hasCode(error, 'TOTP_REQUIRED', 'TOTP_INVALID')) setCode('');
      else setPassword('');
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate();
  };
  return (
    <main className={styles.page}>
      <div className={`panel ${styles.card}`}>
        <form onSubmit={submit}>
          <Stack gap="md">
            <Brand />
            <div>
              <PageTitle>Sign in</PageTitle>
              <Text size="sm" c="dimmed">
                {search.return === undefined
                  ? 'The decision desk for options sellers.'
                  : 'Sign in to go on where you were.'}
              </Text>
            </div>
            {isRefused && (
              <Text size="sm" role="alert">
                The identity provider’s sign-in was not accepted. Try again, or sign in by password.
              </Text>
            )}
            {signIn.isError && <ProblemNotice error={signIn.error} />}
            <TextInput
              label="E-mail"
              type="email"
              autoComplete="username"
              required
              withAsterisk={false}
              value={email}
              onChange={(event) => setEmail(event.currentTarget.value)}
            />
            <PasswordInput
              label="Password"
              autoComplete="current-password"
              visibilityToggleButtonProps={{ 'aria-label': 'Show or hide what is typed' }}
              required
              withAsterisk={false}
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
            />
            {code !== undefined && (
              <TextInput
                label="One-time code"
                description="Of your authenticator app, or a recovery code"
                autoComplete="one-time-code"
                autoFocus
                required
                withAsterisk={false}
                value={code}
                onChange={(event) => setCode(event.currentTarget.value.trim())}
              />
            )}
            <Button type="submit" loading={signIn.isPending} fullWidth>
              Sign in
            </Button>
            {methods?.provider && (
              <Button
                component="a"
                href={`/api/auth/oidc/start/?return=${encodeURIComponent(safeReturnPath(search.return))}`}
                variant="default"
                fullWidth
              >
                Sign in by {methods.provider}
              </Button>
            )}
          </Stack>
        </form>
      </div>
    </main>
  );
}
