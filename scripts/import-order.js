import { readdirSync, readFileSync } from "node:fs";
import { join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";

// usage: node scripts/import-order.js [PACKAGE]
// Checks that imports in src/ go one way: from a room only to the rooms above it in the table of docs/ARCHITECTURE.md, and in no
// circle of files. A room is a folder with the folders inside it that the table doesn't name.

const root = process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url));
const source = join(root, "src");

const rooms = [
  ...readFileSync(join(root, "docs/ARCHITECTURE.md"), "utf8").matchAll(/^\| `src\/([\w/]+)\/` \|/gm),
].map(([, room]) => room);
const files = readdirSync(source, { recursive: true }).filter((file) => /(?<!\.d)\.ts$/.test(file));
const imports = new Map(files.map((file) => [file, importsOf(file)]));
const faults = [
  ...rooms
    .filter((room) => !files.some((file) => roomOf(file) === room))
    .map((room) => `src/${room}/ is in the table, and holds no file`),
  ...files
    .filter((file) => roomOf(file) === undefined)
    .map((file) => `src/${file} is in no room of the table`),
  ...files.flatMap((file) => [...imports.get(file)].flatMap((other) => faultOf(file, other) ?? [])),
  ...circles(),
];

for (const fault of faults) process.stderr.write(`import-order: ${fault}\n`);
process.stdout.write(`${files.length} files in ${rooms.length} rooms, ${faults.length} faults\n`);
process.exitCode = faults.length > 0 ? 1 : 0;

function importsOf(file) {
  const text = readFileSync(join(source, file), "utf8");
  const found = text.matchAll(/(?:\bfrom|\bimport\(|^import)\s*"(\.[^"]+\.ts)"/gm);
  return new Set([...found].map(([, path]) => normalize(join(file, "..", path))));
}

/** The most precise room of the table that holds a file. */
function roomOf(file) {
  return rooms.filter((room) => file.startsWith(`${room}/`)).sort((a, b) => b.length - a.length)[0];
}

function faultOf(file, other) {
  const [from, to] = [roomOf(file), roomOf(other)];
  if (from === undefined || to === undefined || rooms.indexOf(to) <= rooms.indexOf(from)) return undefined;
  return `src/${file} imports src/${other}, against the order: src/${to}/ stands below src/${from}/`;
}

/** Circles of files: one line each, the shortest way around from the first file that is in it. */
function circles() {
  const seen = new Set();
  return files.flatMap((file) => {
    if (seen.has(file)) return [];
    const path = wayBack(file);
    for (const each of path) seen.add(each);
    return path.length > 0
      ? [`circle: ${[...path, file].map((each) => relative(".", `src/${each}`)).join(" -> ")}`]
      : [];
  });
}

/** The files from `start` back to it, breadth first; none: it is in no circle. */
function wayBack(start) {
  const ways = [[start]];
  const seen = new Set();
  for (const way of ways) {
    for (const next of imports.get(way.at(-1)) ?? []) {
      if (next === start) return way;
      if (!seen.has(next)) ways.push([...way, next]);
      seen.add(next);
    }
  }
  return [];
}
