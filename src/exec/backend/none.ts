import type { Backend } from "./backend.ts";

/** No firewall: actions and results alone. */
export const noBackend: Backend = {
  name: "none",
  endsBans: false,
  start: async () => undefined,
  adopt: async () => undefined,
  apply: async () => new Map(),
  list: async () => [],
  flush: async () => undefined,
};
