import { factsOf } from '@/client/problem';

// Fetched after the first screen: nothing is announced before a person has done something.
const notifications = async () => (await import('@mantine/notifications')).notifications;

/** Tells that something worked; read out politely by a screen reader. */
export function announce(title: string, message: string): void {
  void notifications().then((each) =>
    each.show({ title, message, color: 'green', role: 'status' }),
  );
}

/** Tells a failure with its advice; stays until it is dismissed. */
export function announceProblem(error: unknown): void {
  const { title, detail, advice } = factsOf(error);
  const message = [detail, advice].filter((part) => part !== '').join('. ');
  void notifications().then((each) =>
    each.show({ title, message, color: 'red', autoClose: false, role: 'alert' }),
  );
}
