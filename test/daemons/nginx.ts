import { makeCertificate } from "./dovecot.ts";
import type { DaemonHost } from "./host.ts";

/** Its log socket, file names and places are Debian's. */
const CONFIG = (errorLog: string) => `
worker_processes 1;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
error_log ${errorLog};
events {}
http {
  access_log /var/log/nginx/access.log;
  server {
    listen 80;
    listen [::]:80;
    listen 81 http2;
    listen [::]:81 http2;
    listen 443 ssl;
    listen [::]:443 ssl;
    ssl_certificate /etc/nginx/www.pem;
    ssl_certificate_key /etc/nginx/www.key;
    server_name www.example.com;
    root /var/www/nginx;
    location /basic/ {
      auth_basic "basic";
      auth_basic_user_file /etc/nginx/passwords;
    }
    location /denied/ {
      deny all;
    }
  }
}
`;

/**
 * Starts Debian's nginx on a host, at port 80, with TLS at 443, and with HTTP/2 and no TLS at 81: /basic/ wants the password "secret" of alice, /denied/ is
 * forbidden. It writes /var/log/nginx/access.log in the format "combined" and error.log, the latter to a log socket as well.
 */
export async function startNginx(host: DaemonHost, socket = "/dev/log"): Promise<void> {
  for (const place of [".", "basic", "denied"]) host.write(`/var/www/nginx/${place}/index.html`, "here\n");
  host.write("/etc/nginx/passwords", "alice:{PLAIN}secret\n");
  host.write("/etc/nginx/nginx.conf", CONFIG(`syslog:server=unix:${socket},nohostname`));
  await makeCertificate(host, "/etc/nginx/www");
  await host.run("mkdir", "-p", "/var/log/nginx", "/var/lib/nginx");
  host.start("nginx", "-g", "daemon off;");
  await host.listening(80);
}

/** A request of HTTP/1.1 after which nginx closes; header values as they are sent. */
export function request(line: string, headers: Readonly<Record<string, string>> = {}): string {
  const all = { Host: "www.example.com", Connection: "close", ...headers };
  return `${line}\r\n${Object.entries(all)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")}\r\n`;
}

/** `Authorization` of a user with a password. */
export function basic(user: string, password = "wrong"): string {
  return `Basic ${Buffer.from(`${user}:${password}`, "latin1").toString("base64")}`;
}

/** A connection of HTTP/2 with one request: its headers, as they are. */
export function request2(headers: Readonly<Record<string, string>>): string {
  const all = {
    ":method": "GET",
    ":scheme": "http",
    ":path": "/",
    ":authority": "www.example.com",
    ...headers,
  };
  const block = Object.entries(all).map(([name, value]) => `\0${literal(name)}${literal(value)}`);
  const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  // A SETTINGS frame; HEADERS with END_STREAM and END_HEADERS on stream 1.
  return `${preface}${frame(4, 0, 0, "")}${frame(1, 5, 1, block.join(""))}`;
}

/** A string of HPACK, not compressed (RFC 7541). */
function literal(text: string): string {
  if (text.length < 127) return String.fromCharCode(text.length) + text;
  let rest = text.length - 127;
  let length = "\x7f";
  for (; rest >= 128; rest = Math.floor(rest / 128)) length += String.fromCharCode((rest % 128) + 128);
  return length + String.fromCharCode(rest) + text;
}

function frame(type: number, flags: number, stream: number, payload: string): string {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return head.toString("latin1") + payload;
}
