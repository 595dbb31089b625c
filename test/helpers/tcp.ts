import { Running } from "./f2b-exec.ts";
import type { Netns } from "./netns.ts";

/** With `hold` connections stay open until the program is ended. */
const LISTEN = `
  const net = require("node:net");
  const [ports, how] = JSON.parse(process.argv[1]);
  const serve = (s) => (how === "hold" ? s.on("error", () => {}) && console.log("connected") : s.end());
  const open = (port) => new Promise((done) => net.createServer(serve).listen(port, "::", done));
  Promise.all(ports.map(open)).then(() => console.log("listening"));
`;

const CONNECT = `
  const net = require("node:net");
  const [host, port, how] = JSON.parse(process.argv[1]);
  const socket = net.connect({ host, port, ...(how !== "hold" && { timeout: 8000 }) });
  const done = (how) => { console.log(how); socket.destroy(); };
  socket.on("timeout", () => done("silent")).on("connect", () => { if (how !== "hold") done("open"); });
  socket.on("error", (error) => done(error.code === "ECONNREFUSED" ? "refused" : error.code)).on("close", () => {});
`;

/** Starts a server on some TCP ports, at the server's end unless said otherwise; gives it when all of them are open. */
export async function listen(
  net: Netns,
  ports: readonly number[],
  at: readonly string[] = net.atServer,
  how: "end" | "hold" = "end",
): Promise<Running> {
  const server = new Running([...at, process.execPath, "-e", LISTEN, JSON.stringify([ports, how])]);
  await server.said("listening");
  return server;
}

/** What a connection from the client's end comes to: `open`, `refused`, `silent` or an error's code. */
export async function connect(
  net: Netns,
  host: string,
  port: number,
  how: "end" | "hold" = "end",
): Promise<string> {
  const argv = [
    ...["ip", "netns", "exec", net.client, process.execPath, "-e", CONNECT],
    JSON.stringify([host, port, how]),
  ];
  return (await new Running(argv).ended).stdout.trim();
}
