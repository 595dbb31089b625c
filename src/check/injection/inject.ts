import type { CompiledJail } from "../../stream/jail/jail.ts";
import type { Spot } from "../hostile/field.ts";
import { Attack } from "./attack.ts";
import { type Scene, SceneWriter, TRUE } from "./benign-case.ts";
import { Findings, type Found } from "./findings.ts";
import { type Forgery, forge } from "./forge.ts";
import { type Cast, castOf } from "./jail-patterns.ts";
import { Arsenal } from "./payloads.ts";
import { Quoter } from "./quoted-messages.ts";
import { readSamples, type Samples } from "./samples.ts";

/** What the hostile lines for a jail showed. */
export interface Injection {
  /** How many there were. */
  readonly lines: number;
  /** Each place in a pattern once for each kind of harm. */
  readonly found: readonly Found[];
  /** What a client writes who may write line feeds into the log; undefined: he may not, or it brings nothing. */
  readonly forgery: Forgery | undefined;
  /** Patterns that no line could be made for, and no sample is there. */
  readonly untried: readonly Spot[];
}

export interface InjectOptions {
  /** Epoch milliseconds, for years that sample lines leave out. */
  readonly now: number;
  /** True: no more than two lines of each pattern, and no sessions. */
  readonly isQuick?: boolean;
  /** False: no texts with line feeds. Who imports a rule can't mend it. */
  readonly hasLineFeeds?: boolean;
}

/** No scene begins when so many lines were written: enough for fifty patterns with five fields each. */
const MOST_LINES = 100_000;

/**
 * Writes lines as the services of a jail would write them for somebody hostile, and looks for those that have another one found, or
 * nobody. The same lines for the same rules.
 */
export function inject(
  compiled: CompiledJail,
  { now, isQuick = false, hasLineFeeds = !isQuick }: InjectOptions,
): Injection {
  if (compiled.jail.on === "ban") return { lines: 0, found: [], forgery: undefined, untried: [] };
  const cast = castOf(compiled);
  const samples = readSamples(cast, now);
  const writer = new SceneWriter(cast, now);
  const written = cast.failregex.map((_, regex) => writer.scenesOf(regex, TRUE, isQuick ? 2 : undefined));
  const firsts = written.flatMap((scenes) => scenes.slice(0, 1));
  const found = new Findings(cast, samples);
  const attack = new Attack(compiled, now);
  const arsenal = new Arsenal(cast, firsts);
  const groups = () => [samples.scenes, written.flat(), isQuick ? [] : writer.sessions(firsts)];
  for (const scenes of groups()) {
    for (const [scene, turn] of numbered(scenes)) {
      if (attack.lines >= MOST_LINES) break;
      const texts = arsenal.textsFor(scene, turn);
      const entryTexts = !hasLineFeeds ? [] : arsenal.entryTextsFor(scene, turn);
      for (const fault of attack.on(scene, texts, entryTexts)) found.add(fault);
    }
  }
  const quoter = new Quoter(cast, now);
  for (const scenes of written) for (const fault of quoter.quote(scenes, samples.others)) found.add(fault);
  const isOpen = compiled.jail.framing === "file" && !isQuick;
  return {
    lines: attack.lines + quoter.lines,
    found: found.all,
    forgery: isOpen ? forge(cast, groups(), now) : undefined,
    untried: untriedOf(cast, written, samples),
  };
}

/** Scenes with how many there were before of the same pattern. */
function* numbered(scenes: Iterable<Scene>): Generator<[scene: Scene, turn: number]> {
  const met = new Map<number | undefined, number>();
  for (const scene of scenes) {
    const regex = scene.lines[0]?.regex;
    const turn = met.get(regex) ?? 0;
    met.set(regex, turn + 1);
    yield [scene, turn];
  }
}

function untriedOf(
  { failregex }: Cast,
  written: readonly (readonly Scene[])[],
  { goesOn }: Samples,
): readonly Spot[] {
  const untried = failregex.filter((_, regex) => written[regex]?.length === 0 && !goesOn.has(regex));
  return untried.map((pattern) => pattern.spot());
}
