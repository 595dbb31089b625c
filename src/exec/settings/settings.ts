/** What happens to packets of banned addresses. */
export type Blocktype = "reject" | "drop";

/** The name of an iptables chain that may jump to ours, so not one of ours. */
export const CHAIN_NAME = /^(?!f2bs-)[A-Za-z0-9_][A-Za-z0-9_.:+-]{0,27}$/;

/** The chain that leads to containers. It exists only where Docker runs. */
export const DOCKER_CHAIN = "DOCKER-USER";

const DEFAULT_CHAINS = ["INPUT", DOCKER_CHAIN];

/** The commands of an action, as argv, with tags that are not yet replaced. */
export interface ActionSpec {
  /** For messages. */
  readonly name?: string;
  /** Before the jail's first ban. */
  readonly actionstart?: readonly string[];
  /** Before each ban. If it fails, what actionstart set up is gone, and actionstop and actionstart run first. */
  readonly actioncheck?: readonly string[];
  readonly actionban?: readonly string[];
  readonly actionunban?: readonly string[];
  /** When the jail is removed (`--on-eof flush`, `--flush`). */
  readonly actionstop?: readonly string[];
  /** Then instead of an actionunban for each remaining ban. */
  readonly actionflush?: readonly string[];
  /** True: not for bans that were restored after a restart, nor for their end. */
  readonly norestored?: boolean;
  /** Seconds that each command may take; 30 by default. */
  readonly timeout?: number;
}

/** What the file of `-c` may set for a jail. */
export interface EnforcementSettings {
  readonly blocktype?: Blocktype;
  readonly chain?: readonly string[];
  readonly actions?: readonly ActionSpec[];
}

export interface ExecConfig {
  readonly defaults?: EnforcementSettings;
  readonly jails?: Readonly<Record<string, EnforcementSettings>>;
}

/** The settings of a jail, by precedence: the jail in the file, the command line, the defaults of the file, ours. */
export function settingsOf(
  config: ExecConfig,
  typed: EnforcementSettings,
  jail: string,
): Required<EnforcementSettings> {
  const jails = config.jails ?? {};
  return {
    blocktype: "reject",
    chain: DEFAULT_CHAINS,
    actions: [],
    ...config.defaults,
    ...typed,
    ...(Object.hasOwn(jails, jail) ? jails[jail] : {}),
  };
}
