/** What becomes of packets of those who are banned. */
export type Blocktype = "reject" | "drop";

/** A chain that rules may be put into: of iptables, not one of ours. */
export const CHAIN_NAME = /^(?!f2bs-)[A-Za-z0-9_][A-Za-z0-9_.:+-]{0,27}$/;

/** The chain that leads to containers where Docker runs; where it does not there is none. */
export const DOCKER_CHAIN = "DOCKER-USER";

const DEFAULT_CHAINS = ["INPUT", DOCKER_CHAIN];

/** Commands of one action, as argv, their tags not yet replaced. */
export interface ActionSpec {
  /** For messages. */
  readonly name?: string;
  /** Before the jail's first ban. */
  readonly actionstart?: readonly string[];
  /** Before each ban: when it fails, what actionstart made is gone, and actionstop and actionstart run again. */
  readonly actioncheck?: readonly string[];
  readonly actionban?: readonly string[];
  readonly actionunban?: readonly string[];
  /** When the jail is taken away (`--on-eof flush`, `--flush`). */
  readonly actionstop?: readonly string[];
  /** Instead of an actionunban for each ban that is left then. */
  readonly actionflush?: readonly string[];
  /** Not for bans known from before a restart (`restored`), nor for their end. */
  readonly norestored?: boolean;
  /** Seconds that each command may take; 30 when nothing is said. */
  readonly timeout?: number;
}

/** What the file of `-c` may say of a jail. */
export interface EnforcementSettings {
  readonly blocktype?: Blocktype;
  readonly chain?: readonly string[];
  readonly actions?: readonly ActionSpec[];
}

export interface ExecConfig {
  readonly defaults?: EnforcementSettings;
  readonly jails?: Readonly<Record<string, EnforcementSettings>>;
}

/** A jail's settings from all that was said: the jail in the file, the command line, the file's defaults, ours. */
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
