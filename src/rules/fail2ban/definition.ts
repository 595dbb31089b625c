import type { Config } from "./interpolate.ts";
import { type LocatedText, located } from "./located-text.ts";
import { replaceTags } from "./replace-tags.ts";

/**
 * The file of a filter or action, with the jail's settings for it: the sections `[Definition]` and `[Init]`, the parameters in brackets,
 * the jail's own options. Copies fail2ban's DefinitionInitConfigReader with its order of precedence: parameters, then `[Init]`, then
 * `[Definition]`.
 */
export class Definition {
  readonly #config: Config;
  /** Parameters in brackets; the first `read` adds those of `[Init]`. */
  readonly #init: Map<string, LocatedText>;
  /** Tags that are not options: the first value found stays. */
  readonly #tags = new Map<string, LocatedText | undefined>();
  #options = new Map<string, LocatedText>();
  #given = new Map<string, LocatedText>();

  constructor(config: Config, parameters: ReadonlyMap<string, LocatedText>) {
    this.#config = config;
    this.#init = new Map(parameters);
  }

  get files(): readonly string[] {
    return this.#config.files;
  }

  /** Sets a parameter that neither the brackets nor the filter's own `[Definition]` set. */
  setDefault(name: string, value: string): void {
    const place = { file: this.#config.files[0] ?? "", line: 0, column: 0 };
    if (this.#init.get(name)?.text || this.#config.has("Definition", name)) return;
    this.#init.set(name, located(value, place));
  }

  /**
   * Reads the options `names` that `jail` does not set, or all that the file has.
   *
   * @throws RuleError for an undefined `%(name)s`
   */
  read(names: readonly string[], jail: ReadonlyMap<string, LocatedText>, all = false): void {
    this.#given = new Map([...jail, ...this.#init]);
    this.#options = new Map();
    for (const name of names) {
      if (!this.#given.has(name)) this.#take(name, this.#given);
    }
    this.#readInit();
    if (!all) return;
    for (const name of this.#config.keys("Definition")) {
      if (!this.#options.has(name)) this.#take(name);
    }
  }

  /**
   * The options, with every tag replaced that has a value. Tags of options that depend on a condition (`blocktype?family=inet6`), and those
   * in `ignore`, stay.
   *
   * @throws RuleError for an option that contains itself
   */
  combined(ignore: Iterable<string> = []): Map<string, LocatedText> {
    const options = new Map([...this.#options, ...this.#init]);
    const names = [...options.keys()];
    const conditional = names.flatMap((name) => /^(\w+)\?./.exec(name)?.[1] ?? []);
    return replaceTags(options, new Set([...ignore, ...conditional]), (tag) => this.#tag(tag));
  }

  #take(name: string, given?: ReadonlyMap<string, LocatedText>): void {
    const value = this.#config.get("Definition", name, given);
    if (value !== undefined) this.#options.set(name, value);
  }

  #readInit(): void {
    for (const name of this.#config.keys("Init")) {
      const value = this.#config.get("Init", name);
      if (value === undefined) continue;
      if (!name.startsWith("known/")) this.#init.set(`known/${name}`, value);
      if (!this.#init.has(name)) this.#init.set(name, value);
    }
  }

  #tag(name: string): LocatedText | undefined {
    if (!this.#tags.has(name)) this.#tags.set(name, this.#config.getTag("Definition", name, this.#given));
    return this.#tags.get(name);
  }
}
