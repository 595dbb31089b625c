import { readdirSync, readFileSync, writeFileSync } from "node:fs";

// What stands in dist of other people's work, and under which licence: the file that the package brings along for it.

const ASSEMBLYSCRIPT = "node_modules/assemblyscript";
const ROLLDOWN = "node_modules/rolldown";
/** What rolldown itself writes into a chunk. */
const ROLLDOWN_RUNTIME = "\0rolldown/runtime.js";

/**
 * Writes the notices of all packages whose code is in dist.
 *
 * @param {readonly import("rolldown").OutputChunk[]} chunks of the bundle
 * @param {string} wasmMap path of gate.wasm's source map
 * @param {string} path of what is written
 * @throws Error naming a package that has no licence file: then nothing may be built
 */
export function writeNotices(chunks, wasmMap, path) {
  const folders = new Set(bundled(chunks));
  if (linksLibrary(JSON.parse(readFileSync(wasmMap, "utf8")))) folders.add(ASSEMBLYSCRIPT);
  writeFileSync(path, noticesOf([...folders]));
}

/**
 * The notices of packages: each with its name, version and licence, and the whole text of its licence and notice files.
 *
 * @param {readonly string[]} folders where the packages are
 */
export function noticesOf(folders) {
  const head =
    "f2b-stream is built with code of these packages. Each is under its own licence, which is given here whole.\n";
  const notices = folders.map(noticeOf).sort((a, b) => (a.name < b.name ? -1 : 1));
  return [head, ...notices.map(({ text }) => text)].join(`\n${"=".repeat(80)}\n\n`);
}

/** Folders of the packages that some chunk holds code of: modules that were left out whole are not there. */
function* bundled(chunks) {
  for (const { modules } of chunks) {
    for (const [path, { renderedLength }] of Object.entries(modules)) {
      if (renderedLength === 0) continue;
      const folder =
        path === ROLLDOWN_RUNTIME ? ROLLDOWN : /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
      if (folder !== undefined) yield folder;
    }
  }
}

function noticeOf(folder) {
  const { name, version, license, author, homepage, repository } = JSON.parse(
    readFileSync(`${folder}/package.json`, "utf8"),
  );
  const files = readdirSync(folder).sort();
  if (!files.some((file) => /^(?:licen[cs]e|copying)\b/i.test(file)))
    throw new Error(`${name}: its code is in dist, and it has no licence file to go with it`);
  // Not every licence file says whose the package is.
  const about = [author?.name ?? author, homepage ?? repository?.url ?? repository].filter(Boolean);
  const texts = files
    .filter((file) => /^(?:licen[cs]e|copying|notice)\b/i.test(file))
    .map((file) => `${readFileSync(`${folder}/${file}`, "utf8").trim()}\n`);
  return {
    name,
    text: [`${[`${name} ${version} (${license})`, ...about].join("\n")}\n`, ...texts].join("\n"),
  };
}

/** Whether a source map says that code of AssemblyScript's library is in the module: it lists sources that were only read, too. */
function linksLibrary({ sources, mappings }) {
  let source = 0;
  for (const segment of mappings.split(/[,;]/)) {
    const [, step] = numbers(segment);
    if (step === undefined) continue;
    source += step;
    if (sources[source].startsWith("~lib/")) return true;
  }
  return false;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The numbers of a segment: digits of five bits, the lowest first, a sixth bit where more follow; the last bit of all is the sign. */
function numbers(segment) {
  const found = [];
  let number = 0;
  let shift = 0;
  for (const char of segment) {
    const digit = DIGITS.indexOf(char);
    number |= (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    found.push(number & 1 ? -(number >> 1) : number >> 1);
    number = 0;
    shift = 0;
  }
  return found;
}
