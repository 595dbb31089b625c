import { SERVER } from "../helpers/netns.ts";
import type { DaemonHost } from "./host.ts";
import { type Attempt, authorizedKey, type Outcome, type Request, Sshd, type SshUser } from "./sshd.ts";

/** What an sshd is told. The names are those of sshd_config. */
export interface SshdOptions {
  readonly PasswordAuthentication?: "yes" | "no";
  readonly KbdInteractiveAuthentication?: "yes" | "no";
  readonly UsePAM?: "yes" | "no";
  readonly PubkeyAuthentication?: "yes" | "no";
  readonly PermitRootLogin?: "yes" | "no" | "prohibit-password";
  readonly PermitEmptyPasswords?: "yes" | "no";
  readonly AllowUsers?: string;
  readonly DenyUsers?: string;
  readonly AllowGroups?: string;
  readonly DenyGroups?: string;
  readonly MaxAuthTries?: number;
  readonly LogLevel?: "INFO" | "VERBOSE" | "ERROR" | "QUIET";
  readonly UseDNS?: "yes" | "no";
}

/** What Debian's sshd does where it is told nothing. */
const DEFAULTS = {
  PasswordAuthentication: "yes",
  KbdInteractiveAuthentication: "no",
  UsePAM: "yes",
  PubkeyAuthentication: "yes",
  PermitRootLogin: "prohibit-password",
  PermitEmptyPasswords: "no",
  MaxAuthTries: 6,
  LogLevel: "INFO",
  UseDNS: "no",
} as const satisfies SshdOptions;

/** What one client does: its connections, one after the other. */
export interface Scenario {
  readonly name: string;
  readonly user: string;
  readonly connections: readonly (readonly Request[])[];
  readonly end?: Attempt["end"];
  readonly until?: Attempt["until"];
  /** False: it comes by IPv4. */
  readonly isIpv6?: boolean;
}

/** One line of the table: an sshd, a client, and what came of it. */
export interface Row {
  readonly options: SshdOptions;
  readonly scenario: Scenario;
  readonly from: string;
  readonly isLoggedIn: boolean;
  /** Guesses, as rules/sshd.yaml defines them. */
  readonly made: number;
  /** Those of them that this sshd writes something about, at its LogLevel. */
  readonly shown: number;
}

const PASSWORD = "right";
const OWN_KEY = "alice's";

const USERS: readonly SshUser[] = [
  { name: "root", password: PASSWORD },
  { name: "alice", password: PASSWORD, keys: [authorizedKey(OWN_KEY)], groups: ["users"] },
  { name: "carol", password: PASSWORD, groups: ["games"] },
  { name: "dave" },
  { name: "erin", password: PASSWORD, isExpired: true },
  { name: "fred", password: PASSWORD, shell: "/no/such/shell" },
];

const wrong: Request = { method: "password", password: "wrong" };
const right: Request = { method: "password", password: PASSWORD };
const empty: Request = { method: "password", password: "" };
const none: Request = { method: "none" };
const wrongPrompt: Request = { method: "keyboard-interactive", answers: ["wrong"] };
const rightPrompt: Request = { method: "keyboard-interactive", answers: [PASSWORD] };
const ownKey: Request = { method: "publickey", seed: OWN_KEY };
const agent = ["a", "b", "c", "d", "e"].map((seed): Request => ({ method: "publickey", seed }));
const times = (count: number, request: Request) => Array.from({ length: count }, () => request);
const disconnect = { code: 11, message: "Bye Bye" };

const ODD_NAMES = {
  blanks: "a  b ",
  "a victim": "x from 203.0.113.9 port 1",
  "a line": "x\nFailed password for root from 203.0.113.9 port 1 ssh2",
  "a colon": "x:Failed password for root from 203.0.113.9 port 1 ssh2",
  "non-ASCII": "jos\u00e9\u2028\ud83d\ude00",
  "300 characters": "from 203.0.113.9 port 1 ".repeat(12),
  backslashes: "\\\\n\\\"'",
  nothing: "",
};

/** What clients do at any sshd. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: "alice: 5 connections, 1 password each",
    user: "alice",
    connections: times(5, wrong).map((each) => [none, each]),
  },
  { name: "alice: 7 passwords in 1 connection", user: "alice", connections: [times(7, wrong)] },
  { name: "alice: 7 prompts in 1 connection", user: "alice", connections: [times(7, wrongPrompt)] },
  { name: "alice: 2 passwords, reset", user: "alice", connections: [times(2, wrong)], end: "reset" },
  {
    name: "alice: 2 prompts, disconnect",
    user: "alice",
    connections: [times(2, wrongPrompt)],
    end: disconnect,
  },
  {
    name: "alice: password and prompt in turn",
    user: "alice",
    connections: [[wrong, wrongPrompt, wrong, wrongPrompt]],
  },
  {
    name: "alice: prompt left open",
    user: "alice",
    connections: [[{ method: "keyboard-interactive-begun" }]],
  },
  { name: "alice: empty passwords", user: "alice", connections: [times(2, empty)] },
  { name: "alice: none", user: "alice", connections: [[none]] },
  { name: "alice: 1 key", user: "alice", connections: [[none, { method: "publickey", seed: "a" }]] },
  { name: "alice: 5 keys", user: "alice", connections: [[none, ...agent]] },
  { name: "alice: 7 keys", user: "alice", connections: [times(7, { method: "publickey", seed: "a" })] },
  {
    name: "alice: key, password, key",
    user: "alice",
    connections: [[agent[0] as Request, wrong, agent[1] as Request]],
  },
  { name: "unknown: none", user: "nobody-such", connections: [[none]] },
  { name: "unknown: none, disconnect", user: "nobody-such", connections: [[none]], end: disconnect },
  {
    name: "unknown: 5 connections, 1 password each",
    user: "nobody-such",
    connections: times(5, wrong).map((each) => [none, each]),
  },
  { name: "unknown: 5 prompts", user: "nobody-such", connections: [times(5, wrongPrompt)] },
  { name: "unknown: 5 keys", user: "nobody-such", connections: [[none, ...agent]] },
  { name: "unknown: empty password", user: "nobody-such", connections: [[empty]] },
  { name: "unknown: IPv6", user: "nobody-such", connections: [[none, wrong]], isIpv6: true },
  { name: "root: 2 passwords", user: "root", connections: [[none, wrong, wrong]] },
  { name: "root: right password", user: "root", connections: [[none, right]] },
  { name: "root: 2 prompts", user: "root", connections: [times(2, wrongPrompt)], end: "reset" },
  { name: "root: none", user: "root", connections: [[none]] },
  { name: "root: 5 connections, 1 key each", user: "root", connections: agent.map((key) => [none, key]) },
  { name: "carol: password", user: "carol", connections: [[none, wrong]] },
  { name: "carol: prompt, IPv6", user: "carol", connections: [[wrongPrompt]], isIpv6: true },
  { name: "carol: 1 key", user: "carol", connections: [[none, agent[0] as Request]] },
  { name: "dave, locked: password", user: "dave", connections: [[none, wrong]] },
  { name: "erin, expired: right password", user: "erin", connections: [[none, right]] },
  { name: "fred, no shell: right password", user: "fred", connections: [[none, right]] },
  { name: "name changed after a password", user: "alice", connections: [[wrong, { ...wrong, user: "bob" }]] },
  ...Object.entries(ODD_NAMES).map(
    ([name, user]): Scenario => ({ name: `unknown, ${name}: password`, user, connections: [[none, wrong]] }),
  ),
  { name: "leaves after connect", user: "", connections: [[]], until: "connect" },
  { name: "leaves after the version", user: "", connections: [[]], until: "version" },
  { name: "leaves after kexinit", user: "", connections: [[]], until: "kexinit" },
  { name: "leaves after kex", user: "", connections: [[]], until: "kex" },
  { name: "owner: password", user: "alice", connections: [[none, right]] },
  { name: "owner: wrong, then right", user: "alice", connections: [[none, wrong, right]] },
  { name: "owner: wrong prompt, then right", user: "alice", connections: [[wrongPrompt, rightPrompt]] },
  {
    name: "owner: 5 keys, then own",
    user: "alice",
    connections: times(3, none).map(() => [none, ...agent, ownKey]),
  },
  {
    name: "owner: 5 keys, then password",
    user: "alice",
    connections: times(3, none).map(() => [none, ...agent, right]),
  },
  { name: "owner: 5 keys, then prompt", user: "alice", connections: [[none, ...agent, rightPrompt]] },
];

const METHODS = [
  "PasswordAuthentication",
  "KbdInteractiveAuthentication",
  "UsePAM",
  "PubkeyAuthentication",
] as const;
const YES_NO = ["yes", "no"] as const;

/** Whom AllowUsers and its kin keep out. */
const DOORS: readonly SshdOptions[] = [
  {},
  { AllowUsers: "alice" },
  { DenyUsers: "root carol" },
  { AllowGroups: "users" },
  { DenyGroups: "games" },
];

/** Every combination of the methods, with each of the doors, with each number of tries at both levels, and with names of hosts. */
export function allOptions(): readonly SshdOptions[] {
  const methods = METHODS.reduce<readonly SshdOptions[]>(
    (all, name) => all.flatMap((options) => YES_NO.map((value) => ({ ...options, [name]: value }))),
    [{}],
  );
  const tries = [1, 3, 6].flatMap((MaxAuthTries) => [
    { MaxAuthTries, LogLevel: "INFO" } as const,
    { MaxAuthTries, LogLevel: "VERBOSE" } as const,
  ]);
  const others: readonly SshdOptions[] = [
    { UseDNS: "yes" },
    { UseDNS: "yes", AllowUsers: "alice" },
    { PermitRootLogin: "yes" },
    { PermitRootLogin: "no" },
    { PermitEmptyPasswords: "yes" },
    { PermitEmptyPasswords: "yes", LogLevel: "VERBOSE" },
    { LogLevel: "ERROR" },
    { LogLevel: "QUIET" },
  ];
  return methods.flatMap((each) => [...DOORS, ...tries, ...others].map((more) => ({ ...each, ...more })));
}

/** Starts an sshd for each of the options, and has each of the clients that are paired with it do what it does. */
export async function playMatrix(
  host: DaemonHost,
  pairs: readonly (readonly [SshdOptions, readonly Scenario[]])[],
): Promise<readonly Row[]> {
  using sshd = await Sshd.on(host);
  await sshd.addUsers(...USERS);
  await host.addClientNetwork("198.18.0.0/15");
  await host.addClientNetwork("2001:db8:7::/48");
  let next = 0;
  const jobs = pairs.map(([options, scenarios]) => ({
    options,
    clients: scenarios.map((scenario) => ({ scenario, from: address(scenario, ++next) })),
  }));
  const names = jobs.flatMap(({ clients }) =>
    clients.map(({ from }) => `${from} client-${from.replaceAll(/\W/g, "-")}.example.net\n`),
  );
  host.append("/etc/hosts", names.join(""));
  const rows: Row[] = [];
  let port = 2_000;
  const work = jobs[Symbol.iterator]();
  const worker = async () => {
    for (const { options, clients } of work) {
      const at = port++;
      const daemon = await sshd.start(at, { ...DEFAULTS, ...options });
      for (const { scenario, from } of clients) rows.push(await play(sshd, at, options, scenario, from));
      daemon.kill();
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  // All has been written once a last line has.
  await sshd.start(1_999, {});
  const attempt = { from: "198.19.255.1", port: 1_999, user: "the-last-one", requests: [wrong] };
  await sshd.attempt(attempt);
  await host.until(
    () => host.read("/var/log/auth.log").includes("Connection closed by invalid user the-last-one"),
    "the last line",
  );
  return rows;
}

const WORKERS = 6;

function address({ isIpv6 }: Scenario, count: number): string {
  return isIpv6 ? `2001:db8:7:${count.toString(16)}::7` : `198.18.${count >> 8}.${count & 255}`;
}

async function play(
  sshd: Sshd,
  port: number,
  options: SshdOptions,
  scenario: Scenario,
  from: string,
): Promise<Row> {
  const { user, connections, end = "close", until = "requests", isIpv6 } = scenario;
  let [made, shown, isLoggedIn] = [0, 0, false];
  for (const requests of connections) {
    const to = isIpv6 ? SERVER.ipv6 : SERVER.ipv4;
    const outcome = await sshd.attempt({ from, to, port, user, requests, end, until });
    const guesses = guessesOf({ ...DEFAULTS, ...options }, user, requests, outcome);
    made += guesses.made;
    shown += guesses.shown;
    isLoggedIn ||= outcome.isLoggedIn;
  }
  return { options, scenario, from, isLoggedIn, made, shown };
}

/** How many guesses a connection was, by the definition in rules/sshd.yaml, and how many of them sshd shows. */
function guessesOf(
  options: SshdOptions & Required<Pick<SshdOptions, "LogLevel" | "MaxAuthTries">>,
  user: string,
  requests: readonly Request[],
  { asked, isLoggedIn }: Outcome,
): { readonly made: number; readonly shown: number } {
  const isValid = isAllowed(options, user);
  const sent = requests.slice(0, asked);
  const kinds = (isLoggedIn ? sent.slice(0, -1) : sent).flatMap((request) => kindOf(options, request) ?? []);
  const isThrownOut = !isLoggedIn && failuresOf(options, sent) >= options.MaxAuthTries;
  const isLost = !isLoggedIn && asked > 0;
  const { tried, seen, keys } = told(options, isValid, isLoggedIn, kinds);
  const isTry = isLost && (!isValid || isThrownOut || kinds.includes("key"));
  const made = tried > 0 ? tried : isTry ? 1 : 0;
  switch (options.LogLevel) {
    case "QUIET":
      return { made, shown: 0 };
    case "ERROR": {
      const prompts = kinds.filter((kind) => kind === "prompt").length;
      return { made, shown: prompts > 0 ? prompts : isThrownOut ? 1 : 0 };
    }
    default:
      return { made, shown: seen > 0 ? seen : isLost && (!isValid || isThrownOut || keys > 0) ? 1 : 0 };
  }
}

type Kind = "password" | "empty" | "prompt" | "key";

/** What sshd writes of requests that it refused, at INFO or VERBOSE. */
function told(
  { LogLevel, MaxAuthTries, UseDNS }: SshdOptions & Required<Pick<SshdOptions, "LogLevel" | "MaxAuthTries">>,
  isValid: boolean,
  isLoggedIn: boolean,
  kinds: readonly Kind[],
): { readonly tried: number; readonly seen: number; readonly keys: number } {
  let [tried, seen, keys, passwords, isKnown] = [0, 0, 0, 0, false];
  /** Guesses whose lines don't say the address: they count with the next that does, a login forgives them. */
  let waiting = 0;
  for (const kind of kinds) {
    // Of a user who exists only passwords are told at once, all else from half of the tries on; keys are no try.
    const isTold = !isValid || LogLevel === "VERBOSE" || tried >= Math.floor(MaxAuthTries / 2);
    if (kind === "key") {
      if (isTold) keys++;
      continue;
    }
    tried++;
    // The first of a connection is told of as "none".
    const isNone = kind === "empty" && passwords === 0;
    if (kind !== "prompt") passwords++;
    if (isNone && !isTold) continue;
    waiting++;
    const hasAddress = isNone ? !isValid : kind === "prompt" && UseDNS === "yes" ? isTold : true;
    isKnown ||= hasAddress;
    if (!isKnown) continue;
    seen += waiting;
    waiting = 0;
  }
  return { tried, seen: isLoggedIn ? seen : seen + waiting, keys };
}

/** How many requests the child counts against MaxAuthTries: all but a `none` that comes first, and a prompt that is open. */
function failuresOf(options: SshdOptions, requests: readonly Request[]): number {
  const hasPrompts = options.KbdInteractiveAuthentication === "yes" && options.UsePAM === "yes";
  return requests.filter(
    ({ method }, index) =>
      (index > 0 || method !== "none") && !(hasPrompts && method === "keyboard-interactive-begun"),
  ).length;
}

/** What sshd tries of a request; undefined: nothing, the method is none of its. */
function kindOf(options: SshdOptions, request: Request): Kind | undefined {
  // A user's name can't change: that is the end.
  if (request.user !== undefined) return undefined;
  switch (request.method) {
    case "none":
      return options.PermitEmptyPasswords === "yes" && options.PasswordAuthentication === "yes"
        ? "empty"
        : undefined;
    case "password":
      if (options.PasswordAuthentication !== "yes") return undefined;
      return request.password === "" ? "empty" : "password";
    case "keyboard-interactive":
      return options.KbdInteractiveAuthentication === "yes" && options.UsePAM === "yes"
        ? "prompt"
        : undefined;
    case "publickey":
      return options.PubkeyAuthentication === "yes" ? "key" : undefined;
    default:
      return undefined;
  }
}

/** Whether sshd takes a user for one that may log in at all. */
function isAllowed(
  { AllowUsers, DenyUsers, AllowGroups, DenyGroups, UsePAM }: SshdOptions,
  user: string,
): boolean {
  const known = USERS.find(({ name }) => name === user);
  if (known === undefined || known.shell !== undefined) return false;
  if (UsePAM !== "yes" && (known.password === undefined || known.isExpired)) return false;
  const [users, groups] = [[user], known.groups ?? []];
  const isIn = (list: string | undefined, all: readonly string[]) =>
    list?.split(" ").some((name) => all.includes(name)) ?? false;
  if (isIn(DenyUsers, users) || isIn(DenyGroups, groups)) return false;
  return (
    (AllowUsers === undefined || isIn(AllowUsers, users)) &&
    (AllowGroups === undefined || isIn(AllowGroups, groups))
  );
}
