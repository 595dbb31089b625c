import { Running } from "./f2b-exec.ts";
import type { Netns } from "./netns.ts";

const LISTEN = `
  const net = require("node:net");
  const open = (port) => new Promise((done) => net.createServer((s) => s.end()).listen(port, "::", done));
  Promise.all(JSON.parse(process.argv[1]).map(open)).then(() => console.log("listening"));
`;

const CONNECT = `
  const net = require("node:net");
  const [host, port] = JSON.parse(process.argv[1]);
  const socket = net.connect({ host, port, timeout: 8000 });
  const done = (how) => { console.log(how); socket.destroy(); };
  socket.on("connect", () => done("open")).on("timeout", () => done("silent"));
  socket.on("error", (error) => done(error.code === "ECONNREFUSED" ? "refused" : error.code));
`;

/** Starts a server on some TCP ports at the server's end; gives the program when all of them are open. */
export async function listen(net: Netns, ports: readonly number[]): Promise<Running> {
  const server = new Running([...net.atServer, process.execPath, "-e", LISTEN, JSON.stringify(ports)]);
  await server.said("listening");
  return server;
}

/** What a connection from the client's end comes to: `open`, `refused`, `silent` or an error's code. */
export async function connect(net: Netns, host: string, port: number): Promise<string> {
  const argv = [
    "ip",
    "netns",
    "exec",
    net.client,
    process.execPath,
    "-e",
    CONNECT,
    JSON.stringify([host, port]),
  ];
  return (await new Running(argv).ended).stdout.trim();
}
