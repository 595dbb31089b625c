import type { Alphabet } from "../classes.ts";
import { type Emitted, emitPattern } from "../emit/emit.ts";
import type { LoopCaptures } from "../loops.ts";
import type { Tree } from "../tree.ts";

/** A sticky RegExp, and the number of its mark. */
interface MarkedRegExp {
  readonly regexp: RegExp;
  readonly numbers: Emitted["numbers"];
  readonly mark: number;
}

/** Reads the groups of a loop that later iterations skipped, as Python keeps them. */
export class LoopCaptureReader {
  readonly #loop: LoopCaptures;
  readonly #starts: Partial<Record<Alphabet, MarkedRegExp>> = {};
  readonly #iterations: Partial<Record<Alphabet, MarkedRegExp>> = {};

  /** @throws PatternError ERR_PATTERN_UNSUPPORTED */
  constructor(loop: LoopCaptures) {
    this.#loop = loop;
    this.#startIn("ascii");
    this.#iterationIn("ascii");
  }

  /** The groups by name, in a text that the pattern was found in at `from`. */
  read(text: string, from: number, alphabet: Alphabet): Record<string, string | undefined> {
    const groups: Record<string, string | undefined> = {};
    for (const name of this.#loop.groups.values()) groups[name] = undefined;
    const iteration = this.#iterationIn(alphabet);
    const start = this.#startIn(alphabet);
    let at = execAt(start, text, from)?.indices?.[start.mark]?.[1];
    while (at !== undefined) {
      const found = execAt(iteration, text, at);
      for (const [index, name] of this.#loop.groups)
        groups[name] = found?.[iteration.numbers[index] ?? -1] ?? groups[name];
      at = found?.indices?.[iteration.mark]?.[1];
    }
    return groups;
  }

  #startIn(alphabet: Alphabet): MarkedRegExp {
    this.#starts[alphabet] ??= program(this.#loop.start, this.#loop.mark, alphabet);
    return this.#starts[alphabet];
  }

  #iterationIn(alphabet: Alphabet): MarkedRegExp {
    this.#iterations[alphabet] ??= program(this.#loop.iteration, this.#loop.mark, alphabet);
    return this.#iterations[alphabet];
  }
}

function program(tree: Tree, mark: number, alphabet: Alphabet): MarkedRegExp {
  const { source, numbers } = emitPattern(tree, alphabet, "numbers");
  return { regexp: new RegExp(source, "dy"), numbers, mark: numbers[mark] ?? -1 };
}

function execAt({ regexp }: MarkedRegExp, text: string, at: number): RegExpExecArray | null {
  regexp.lastIndex = at;
  return regexp.exec(text);
}
