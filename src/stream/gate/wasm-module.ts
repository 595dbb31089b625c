import { readFileSync } from "node:fs";
import { distFile } from "../../shared/package-files.ts";

/** What wasm/scan.ts and wasm/journal.ts export. Addresses and sizes are in bytes. */
export interface GateModule {
  readonly memory: WebAssembly.Memory;
  readonly input: WebAssembly.Global;
  readonly output: WebAssembly.Global;
  readonly next: WebAssembly.Global;
  start(inputBytes: number, outputBytes: number, maxNeedles: number, maxSamplers: number): void;
  reserve(bytes: number): number;
  addNeedle(text: number, length: number, folds: number): void;
  addSampler(stride: number, width: number): void;
  addWindow(sampler: number, needle: number, offset: number): void;
  holds(text: number, length: number, folds: number, from: number, to: number): number;
  scan(from: number, to: number, maxLine: number, every: number, foreign: number, most: number): number;
  readonly entries: WebAssembly.Global;
  readonly records: WebAssembly.Global;
  readonly nextEntry: WebAssembly.Global;
  readonly textEnd: WebAssembly.Global;
  readonly cutCount: WebAssembly.Global;
  readonly asked: WebAssembly.Global;
  startJournal(entryBytes: number, recordCount: number, fieldCount: number): void;
  askFields(): void;
  readEntries(from: number, to: number, maxLine: number, room: number): number;
}

let compiled: WebAssembly.Module | undefined;

/** A new instance, with a memory of its own. */
export function newModule(): GateModule {
  compiled ??= new WebAssembly.Module(readFileSync(distFile("gate.wasm")));
  return new WebAssembly.Instance(compiled, {}).exports as unknown as GateModule;
}
