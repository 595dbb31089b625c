import { type ChildProcess, execFile, spawn } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after } from "node:test";
import { promisify } from "node:util";
import { CLIENT, Netns, netnsSkip } from "../helpers/netns.ts";

const exec = promisify(execFile);

/**
 * What the first process of a host does: the machine's own files with a layer above them that takes what is written, a /dev with a place for
 * log sockets, a /run and a /tmp of its own.
 */
const INIT = `
set -e
layer=$1
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
cd "$layer/root"
mount -t proc proc proc
mount --rbind /sys sys
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do touch "dev/$node"; mount --bind "/dev/$node" "dev/$node"; done
mkdir -p dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir -p run/lock run/sshd
# The first process of a pid namespace is every orphan's parent: a shell that waits takes them away when they end, sleep would not.
exec chroot . /bin/sh -c 'echo ready; sleep infinity & wait'
`;

/** rsyslogd as Debian ships it, without the kernel's log: that is not this host's. */
const RSYSLOG = `
module(load="imuxsock")
auth,authpriv.* /var/log/auth.log
mail.* /var/log/mail.log
*.* /var/log/syslog
`;

/** Why a host can't be made here; false when it can. For `skip`. */
export function hostSkip(...tools: readonly string[]): string | false {
  return netnsSkip("nsenter", "unshare", "rsyslogd", ...tools);
}

/**
 * A machine for daemons, and a client beside it: a network namespace each, joined by a cable (`SERVER` and `CLIENT` of helpers/netns.ts). The
 * machine sees this one's programs and files; what it writes is gone when it is removed, and so are its processes. Its rsyslogd listens at
 * /dev/log and writes /var/log/syslog, auth.log and mail.log. Make it with `await using`, or call `remove`.
 */
export class DaemonHost {
  readonly net: Netns;
  readonly #layer: string;
  readonly #init: ChildProcess;
  readonly #pid: number;

  private constructor(net: Netns, layer: string, init: ChildProcess, pid: number) {
    this.net = net;
    this.#layer = layer;
    this.#init = init;
    this.#pid = pid;
  }

  /**
   * @param rsyslog what rsyslogd is told before all else
   * @throws Error with what mount or rsyslogd said
   */
  static async create(rsyslog = ""): Promise<DaemonHost> {
    const net = await Netns.create();
    const layer = mkdtempSync(join(tmpdir(), "f2bt-host-"));
    const init = spawn(
      "ip",
      [
        ...["netns", "exec", net.server],
        ...["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"],
        ...["sh", "-c", INIT, "init", layer],
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    await ready(init);
    // `ip netns exec` becomes unshare, whose only child is the first process of the new pid namespace.
    const children = readFileSync(`/proc/${init.pid}/task/${init.pid}/children`, "utf8");
    const pid = Number(children);
    const host = new DaemonHost(net, layer, init, pid);
    hosts.add(host);
    host.write("/etc/rsyslog.conf", `${rsyslog}\n${RSYSLOG}`);
    host.start("rsyslogd", "-n", "-iNONE");
    await host.until(
      () => readFileSync(`/proc/${pid}/net/unix`, "utf8").includes(" /dev/log"),
      "rsyslogd listens",
    );
    return host;
  }

  /** Where a path of this host is for processes outside of it. */
  path(inside: string): string {
    return `/proc/${this.#pid}/root${inside}`;
  }

  /** What is in a file; empty where there is none. */
  read(inside: string): string {
    return this.readBytes(inside).toString("utf8");
  }

  readBytes(inside: string): Buffer {
    try {
      return readFileSync(this.path(inside));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return Buffer.alloc(0);
      throw error;
    }
  }

  /** The lines of a file, without their newlines. */
  lines(inside: string): readonly string[] {
    return this.read(inside).split("\n").slice(0, -1);
  }

  write(inside: string, content: string | Uint8Array, mode = 0o644): void {
    mkdirSync(dirname(this.path(inside)), { recursive: true });
    writeFileSync(this.path(inside), content, { mode });
  }

  append(inside: string, content: string): void {
    appendFileSync(this.path(inside), content);
  }

  /** Runs a command to its end and returns its stdout. @throws Error when it fails, with its stderr */
  async run(...argv: readonly string[]): Promise<string> {
    const [file, ...args] = [...this.at, ...argv];
    const { stdout } = await exec(file as string, args, { maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  }

  /** Starts a daemon that stays in the foreground; it ends with the host at the latest. What it says on stderr goes to /var/log/NAME.stderr. */
  start(...argv: readonly string[]): ChildProcess {
    return this.#start("ignore", argv);
  }

  /** As `start`; what is written to the child's stdin reaches it. */
  startWithInput(...argv: readonly string[]): ChildProcess {
    return this.#start("pipe", argv);
  }

  #start(stdin: "ignore" | "pipe", argv: readonly string[]): ChildProcess {
    const [file, ...args] = [...this.at, ...argv];
    const child = spawn(file as string, args, { stdio: [stdin, "ignore", "pipe"] });
    const name = argv[0]?.replace(/^.*\//, "");
    child.stderr?.on("data", (text: Buffer) => {
      try {
        appendFileSync(this.path(`/var/log/${name}.stderr`), text);
      } catch {
        // The host is being removed.
      }
    });
    return child;
  }

  /** What stands before a command that is to run on this host. */
  get at(): readonly string[] {
    return [
      "nsenter",
      "--target",
      `${this.#pid}`,
      ...["--mount", "--pid", "--net", "--uts", "--ipc", "--root", "--wdns=/"],
    ];
  }

  /** What stands before a command that is to run at the client: with this machine's files. */
  get atClient(): readonly string[] {
    return ["ip", "netns", "exec", this.net.client];
  }

  /** Gives the client more addresses to come from, and the server a way back to them. */
  async addClients(...addresses: readonly string[]): Promise<void> {
    for (const address of addresses) {
      const length = address.includes(":") ? 128 : 32;
      const nodad = address.includes(":") ? ["nodad"] : [];
      await exec("ip", [
        "-n",
        this.net.client,
        "addr",
        "add",
        `${address}/${length}`,
        "dev",
        "veth0",
        ...nodad,
      ]);
      await exec("ip", ["-n", this.net.server, "route", "add", `${address}/${length}`, "dev", "veth0"]);
    }
  }

  /** Lets the client come from every address of a network, which no interface of its need have. */
  async addClientNetwork(network: string): Promise<void> {
    const [family, via] = network.includes(":")
      ? (["-6", CLIENT.ipv6] as const)
      : (["-4", CLIENT.ipv4] as const);
    const { client, server } = this.net;
    await exec("ip", ["-n", client, family, "route", "add", "local", network, "dev", "lo"]);
    await exec("ip", [
      "netns",
      "exec",
      client,
      "sysctl",
      "-qw",
      `net.ipv${family.slice(1)}.ip_nonlocal_bind=1`,
    ]);
    await exec("ip", ["-n", server, family, "route", "add", network, "via", via]);
    // Who asks for a neighbour in the name of such an address takes one of the interface's own, the first that is usable at once.
    if (network.includes(":"))
      await exec("ip", ["-n", client, "addr", "replace", "fe80::2/64", "dev", "veth0", "nodad"]);
  }

  /** Waits until it is so. @throws Error after `most` milliseconds, with `what` */
  async until(isSo: () => boolean, what: string, most = 30_000): Promise<void> {
    for (const start = performance.now(); !isSo(); ) {
      if (performance.now() - start > most) throw new Error(`waited in vain: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Waits until somebody listens at a TCP port. */
  async listening(port: number): Promise<void> {
    const at = port.toString(16).toUpperCase().padStart(4, "0");
    const pattern = new RegExp(`:${at} 0+:0000 0A `);
    const isOpen = () =>
      ["tcp", "tcp6"].some((family) =>
        pattern.test(readFileSync(`/proc/${this.#pid}/net/${family}`, "utf8")),
      );
    await this.until(isOpen, `a daemon listens at port ${port}`);
  }

  /** Ends all its processes and takes it away. */
  async remove(): Promise<void> {
    if (!hosts.delete(this)) return;
    const ended = new Promise((resolve) => this.#init.once("exit", resolve));
    process.kill(this.#pid, "SIGKILL");
    await ended;
    rmSync(this.#layer, { recursive: true, force: true });
    await this.net.remove();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }
}

const hosts = new Set<DaemonHost>();

// What a failed test leaves would stay on the machine.
after(async () => {
  for (const host of hosts) await host.remove();
});

/** Resolves at the word "ready". @throws Error with what the process said, when it ends before */
function ready(init: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    init.stderr?.on("data", (text: Buffer) => {
      said += text;
    });
    init.stdout?.once("data", () => resolve());
    init.once("exit", (status) => reject(new Error(`no host: status ${status}: ${said}`)));
  });
}
