import type { Backend } from "./backend.ts";

/** No firewall, only actions and results. */
export const noBackend: Backend = {
  name: "none",
  longestTimeout: 0,
  start: async () => [],
  holds: async () => false,
  read: async () => undefined,
  apply: async () => new Map(),
  check: async () => [],
  list: async () => [],
  flush: async () => undefined,
};
