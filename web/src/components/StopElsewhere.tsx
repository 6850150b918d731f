import { Text } from '@mantine/core';

/** How trading is stopped where this page cannot. */
export function StopElsewhere() {
  return (
    <Text size="sm" component="div">
      To stop without this page, on the machine that the desk runs on:
      <br />
      <code>greenlight halt --reason "…"</code> sends no new order,
      <br />
      <code>greenlight kill-switch --reason "…"</code> cancels those at the broker, too.
      <br />
      Orders can also be cancelled in the broker’s own software; the desk takes note of it.
    </Text>
  );
}
