// Runs at the client of a DaemonHost, as a child process with a channel: makes the connections that it is told of.

import { type Attempt, attempt } from "./ssh-client.ts";

process.on("message", ({ id, what }: { id: number; what: Attempt }) => {
  attempt(what).then(
    (outcome) => process.send?.({ id, outcome }),
    (error: unknown) => process.send?.({ id, error: String(error) }),
  );
});
