import { notifications } from '@mantine/notifications';
import { factsOf } from '@/client/problem';

/** Tells that something worked; read out politely by a screen reader. */
export function announce(title: string, message: string): void {
  notifications.show({ title, message, color: 'green', role: 'status' });
}

/** Tells a failure with its advice; stays until it is dismissed. */
export function announceProblem(error: unknown): void {
  const { title, detail, advice } = factsOf(error);
  const message = [detail, advice].filter((part) => part !== '').join('. ');
  notifications.show({ title, message, color: 'red', autoClose: false, role: 'alert' });
}
