import type { CompiledJail } from "../../stream/jail/jail.ts";
import { type GroupTexts, templatesOf } from "../hostile/sample.ts";
import { isField, isId, type Template, textOf } from "../hostile/template.ts";
import { framesOf } from "./frame.ts";
import { type Cast, handsOnContent } from "./jail-patterns.ts";
import { isSilent, type Outcome, play } from "./run-lines.ts";

/** A line in its place. */
export interface SceneLine {
  /** As it stands in the log; lines, for a multi-line pattern. */
  readonly line: Template;
  /** What the patterns see of it. */
  readonly seen: Template;
  /** Index of the failregex that matches it; undefined: none does. */
  readonly regex: number | undefined;
}

/** Lines that do what their patterns mean them to, before anybody writes anything hostile into them. */
export interface Scene {
  readonly lines: readonly SceneLine[];
  /** What comes of them: a failure; or none yet, where that takes another line. */
  readonly outcome: Outcome;
}

/** The one who wrote the lines. */
export const TRUE: GroupTexts = { ip4: "192.0.2.7", ip6: "2001:db8::7", dns: "client.example.net" };

/** Shows lines to the jail. */
export function playLines(compiled: CompiledJail, lines: readonly Template[], now: number): Outcome {
  return play(
    compiled,
    lines.flatMap((line) => textOf(line).split("\n")),
    now,
  );
}

/** The ids that lines name in their places. */
export function idsIn(lines: readonly Template[]): ReadonlySet<string> {
  return new Set(lines.flatMap(({ parts }) => parts.filter(isId).map(({ id }) => id)));
}

/** Which scenes of a pattern are asked for: at most so many; as `templatesOf` takes it. */
interface Ways {
  readonly most: number | undefined;
  readonly isBare: boolean;
}

/** Writes scenes from the patterns alone. */
export class SceneWriter {
  readonly #cast: Cast;
  readonly #now: number;
  /** Which frame did last: likely it does again. */
  #frame = 0;

  constructor(cast: Cast, now: number) {
    this.#cast = cast;
    this.#now = now;
  }

  /** Those of one line, or of the lines of a multi-line pattern. */
  scenesOf(regex: number, texts: GroupTexts = TRUE, most?: number): readonly Scene[] {
    const scenes = this.#scenes(regex, texts, { isBare: false, most });
    return scenes.length > 0 ? scenes : this.#scenes(regex, texts, { isBare: true, most });
  }

  /** Those of two lines of one session, of which the first alone is no failure. */
  *sessions(scenes: readonly Scene[]): Generator<Scene> {
    for (const {
      lines: [waiting],
    } of scenes.filter(({ outcome }) => isSilent(outcome))) {
      for (const { lines: ending } of scenes) {
        const session = ending[0] && this.#sessionOf(ending[0]);
        const [first] =
          waiting?.regex === undefined ? [] : this.scenesOf(waiting.regex, { ...TRUE, ...session }, 1);
        const lines = first ? [...first.lines, ...ending] : [];
        const outcome = this.#play(lines);
        if (isMeant(outcome, lines)) yield { lines, outcome };
      }
    }
  }

  #scenes(regex: number, texts: GroupTexts, ways: Ways): readonly Scene[] {
    const scenes: Scene[] = [];
    for (const seen of this.#templatesOf(regex, texts, ways.isBare)) {
      scenes.push(...this.#framed(seen, regex));
      if (scenes.length >= (ways.most ?? Number.POSITIVE_INFINITY)) break;
    }
    return scenes;
  }

  *#templatesOf(regex: number, texts: GroupTexts, isBare: boolean): Generator<Template> {
    const { compiled, prefregex, failregex } = this.#cast;
    const pattern = failregex[regex];
    if (!pattern) return;
    const inner = templatesOf(pattern, texts, { isBare });
    if (!prefregex || !handsOnContent(compiled)) yield* inner;
    else {
      for (const [index, content] of inner.entries()) {
        yield* templatesOf(prefregex, { ...texts, content }, { isBare, ...(index > 0 && { most: 2 }) });
      }
    }
  }

  /**
   * The scene with the first frame in which the line has its time, else with the last. The last one, too, where the date took the
   * place of a field.
   */
  #framed(seen: Template, regex: number): readonly Scene[] {
    const frames = framesOf(seen, this.#cast.compiled.jail);
    const last = frames.length - 1;
    const sceneIn = (index: number): Scene | undefined => {
      const lines = frames.slice(index, index + 1).map((line) => ({ line, seen, regex }));
      const outcome = this.#play(lines);
      const isTimed = index === last || outcome.last?.time !== undefined;
      return isTimed && (isMeant(outcome, lines) || isSilent(outcome)) ? { lines, outcome } : undefined;
    };
    const index = [this.#frame, ...frames.keys()].find((each) => each <= last && sceneIn(each));
    if (index === undefined) return [];
    this.#frame = index;
    const isWhole = fieldsIn(frames[index]) === fieldsIn(seen);
    return [index, ...(isWhole ? [] : [last])].flatMap((each) => sceneIn(each) ?? []);
  }

  #play(lines: readonly SceneLine[]): Outcome {
    return playLines(
      this.#cast.compiled,
      lines.map(({ line }) => line),
      this.#now,
    );
  }

  /** The session that a failregex names by itself; one that the prefregex names is the same for all. */
  #sessionOf({ seen, regex }: SceneLine): { readonly mlfid?: string } {
    const found = this.#cast.failregex[regex ?? -1]?.compiled.search(`${textOf(seen)}\n`);
    return found?.groups.mlfid === undefined ? {} : { mlfid: found.groups.mlfid };
  }
}

/** True when the failures are about those that the lines name. */
function isMeant({ failures }: Outcome, lines: readonly SceneLine[]): boolean {
  const ids = idsIn(lines.map(({ line }) => line));
  return failures.length > 0 && failures.every(({ id }) => ids.has(id));
}

function fieldsIn(template: Template | undefined): number {
  return template?.parts.filter(isField).length ?? 0;
}
