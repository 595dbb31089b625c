import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { type PrecompiledPattern, usePrecompiled } from "../python/precompiled.ts";
import { distFile } from "../shared/package-files.ts";
import type { Layer } from "./merge.ts";
import { machineServices, type Services } from "./services.ts";

/** A bundled rules file as the build has read and checked it. */
export interface Prechecked {
  /** Of the YAML text. */
  readonly sha256: string;
  /** The names of ports in it, with their numbers. */
  readonly services: Services;
  readonly layer: Layer;
}

/** By name of the file in messages: `rules/sshd.yaml`. */
export type PrecheckedFiles = ReadonlyMap<string, Prechecked>;

/** The contents of the file beside the compiled sources. */
export interface PrecheckedRules {
  readonly files: PrecheckedFiles;
  /** By the source of a pattern with its tags expanded. */
  readonly patterns: ReadonlyMap<string, PrecompiledPattern>;
}

const FILE = distFile("rules.json");

/** The checked contents of a rules file; undefined when its text, or a port that it names, has changed since the build. */
export function findPrechecked(
  name: string,
  text: string,
  files: PrecheckedFiles = readPrechecked(),
): Layer | undefined {
  const found = files.get(name);
  if (found === undefined || found.sha256 !== sha256(text)) return undefined;
  const services = machineServices();
  const isSame = [...found.services].every(([service, port]) => services.get(service) === port);
  return isSame ? found.layer : undefined;
}

/** Writes what `findPrechecked` reads. */
export function writePrechecked(rules: PrecheckedRules): void {
  writeFileSync(FILE, encodeData(rules));
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

let known: PrecheckedFiles | undefined;

/** Read once, with the patterns. */
function readPrechecked(): PrecheckedFiles {
  if (known) return known;
  try {
    const { files, patterns } = decodeData(readFileSync(FILE, "utf8")) as PrecheckedRules;
    usePrecompiled(patterns);
    known = files;
  } catch {
    known = new Map();
  }
  return known;
}

/** Writes plain data with maps, sets and bigints as JSON. */
export function encodeData(data: unknown): string {
  return JSON.stringify(data, (_, value: unknown) => {
    if (value instanceof Map) return { $map: [...value] };
    if (value instanceof Set) return { $set: [...value] };
    return typeof value === "bigint" ? { $bigint: value.toString() } : value;
  });
}

/** The inverse of `encodeData`. */
export function decodeData(json: string): unknown {
  return JSON.parse(json, (_, value: unknown) => {
    if (typeof value !== "object" || value === null) return value;
    if ("$map" in value) return new Map(value.$map as [unknown, unknown][]);
    if ("$set" in value) return new Set(value.$set as unknown[]);
    return "$bigint" in value ? BigInt(value.$bigint as string) : value;
  });
}
