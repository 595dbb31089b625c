import type { Escalation, Jail, JournalMatch, Pattern, Place, RuleTest } from "./rule.ts";
import type { IgnoredAddresses } from "./schema.ts";

/**
 * The keys of one jail, or of `defaults`, in one file. Each is checked; an absent one was not written. An empty list removes a list of an
 * earlier file.
 */
export interface Settings {
  readonly description?: string;
  readonly enabled?: boolean;
  readonly identifier?: readonly string[];
  readonly session?: "pid";
  readonly journalmatch?: JournalMatch;
  readonly logpath?: readonly string[];
  readonly framing?: Jail["framing"];
  /** None or one. */
  readonly prefregex?: readonly Pattern[];
  readonly failregex?: readonly Pattern[];
  readonly ignoreregex?: readonly Pattern[];
  readonly maxlines?: number;
  /** None or one. */
  readonly datepattern?: readonly Pattern[];
  readonly compat?: "fail2ban";
  readonly maxretry?: number;
  readonly findtime?: number;
  readonly bantime?: number | null;
  readonly escalation?: Partial<Escalation>;
  readonly count?: Partial<Jail["count"]>;
  readonly ignoreip?: IgnoredAddresses;
  readonly ignoreself?: boolean;
  readonly ignorecommand?: readonly string[];
  readonly usedns?: Jail["usedns"];
  /** Empty: all ports. */
  readonly port?: readonly (number | string)[];
  readonly protocol?: readonly string[];
  readonly mode?: Jail["mode"];
  readonly on?: Jail["on"];
  readonly maxmatches?: number;
  readonly success?: readonly Pattern[];
  readonly tests?: readonly RuleTest[];
}

/** The contents of one rules file. */
export interface Layer {
  readonly defaults: Settings;
  /** By name, in the file's order. */
  readonly jails: ReadonlyMap<string, JailLayer>;
}

/** A jail as files describe it: its keys, and where it is first named. */
export interface JailLayer {
  readonly place: Place;
  readonly settings: Settings;
}

/**
 * Merges files as if they were one: `defaults` of all files are one set of keys for every jail, and a jail is one set of keys wherever
 * its parts stand. Later files win, key by key (in `escalation` and `count` too); a jail's own key wins over any default. So a file of
 * local settings can come last and change the defaults of all jails, or one key of a bundled one, and a directory can begin with a file
 * of defaults, as jail.conf and jail.local do. A jail keeps the place where it first appears.
 */
export function mergeLayers(layers: readonly Layer[]): Layer {
  let defaults: Settings = {};
  const jails = new Map<string, JailLayer>();
  for (const layer of layers) {
    defaults = overlay(defaults, layer.defaults);
    for (const [name, { place, settings }] of layer.jails) {
      const before = jails.get(name);
      jails.set(name, { place: before?.place ?? place, settings: overlay(before?.settings ?? {}, settings) });
    }
  }
  return { defaults, jails };
}

/** `over` laid over `under`. */
export function overlay(under: Settings, over: Settings): Settings {
  return {
    ...under,
    ...over,
    escalation: { ...under.escalation, ...over.escalation },
    count: { ...under.count, ...over.count },
  };
}

const ESCALATION: Escalation = {
  increment: false,
  factor: 1,
  multipliers: undefined,
  maxtime: undefined,
  rndtime: 0,
  overalljails: false,
  memory: 604_800_000,
};

/** The jail of merged settings, with the program's defaults for absent keys. */
export function resolveJail(name: string, place: Place, settings: Settings): Jail {
  return {
    name,
    place,
    description: settings.description,
    enabled: settings.enabled ?? true,
    identifier: unlessEmpty(settings.identifier),
    session: settings.session,
    journalmatch: unlessEmpty(settings.journalmatch),
    logpath: unlessEmpty(settings.logpath),
    framing: settings.framing ?? defaultFraming(settings),
    filter: {
      prefregex: settings.prefregex?.[0],
      failregex: settings.failregex ?? [],
      ignoreregex: settings.ignoreregex ?? [],
      success: settings.success ?? [],
      maxlines: settings.maxlines ?? 1,
      datepattern: settings.datepattern?.[0],
      ...(settings.compat && { compat: settings.compat }),
    },
    maxretry: settings.maxretry ?? 5,
    findtime: settings.findtime ?? 600_000,
    bantime: settings.bantime === undefined ? 600_000 : settings.bantime,
    escalation: resolveEscalation(settings),
    count: { ipv4: settings.count?.ipv4 ?? 32, ipv6: settings.count?.ipv6 ?? 64 },
    ignore: {
      ...(settings.ignoreip ?? { networks: [], files: [], hosts: [] }),
      self: settings.ignoreself ?? true,
      command: unlessEmpty(settings.ignorecommand),
    },
    usedns: settings.usedns ?? "no",
    port: unlessEmpty(settings.port),
    protocol: settings.protocol ?? ["tcp"],
    mode: settings.mode ?? "enforce",
    on: settings.on ?? "log",
    maxmatches: settings.maxmatches ?? 10,
    tests: settings.tests ?? [],
  };
}

/** Entries with a tag, or from the journal, were framed by a log daemon; for other logs the rule must say so. */
function defaultFraming({ identifier = [], journalmatch = [], on }: Settings): Jail["framing"] {
  return on === "ban" || identifier.length > 0 || journalmatch.length > 0 ? "message" : "file";
}

/** All keys of a jail that was not read from YAML, so that files and options can change them. */
export function settingsOf(jail: Jail): Settings {
  const { name: _name, place: _place, filter, ignore, escalation, ...same } = jail;
  const { compat, ...patterns } = filter;
  const { multipliers, maxtime, ...rest } = escalation;
  return {
    ...definedOf(same),
    ...patterns,
    ...(compat && { compat }),
    prefregex: filter.prefregex ? [filter.prefregex] : [],
    datepattern: filter.datepattern ? [filter.datepattern] : [],
    escalation: { ...rest, ...definedOf({ multipliers, maxtime }) },
    ignoreip: { networks: ignore.networks, files: ignore.files, hosts: ignore.hosts },
    ignoreself: ignore.self,
    ignorecommand: ignore.command ?? [],
  };
}

/** An object without the fields that are undefined. */
function definedOf<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function resolveEscalation({ escalation }: Settings): Escalation {
  const resolved = { ...ESCALATION, ...escalation };
  return { ...resolved, multipliers: unlessEmpty(resolved.multipliers) };
}

function unlessEmpty<T>(list: readonly T[] | undefined): readonly T[] | undefined {
  return list?.length === 0 ? undefined : list;
}
