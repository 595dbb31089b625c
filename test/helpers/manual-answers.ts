import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./root.ts";

/** A field as the manual has it: `list of time, optional`. */
interface Field {
  readonly type: string;
  readonly isOptional: boolean;
}

type Fields = ReadonlyMap<string, Field>;

/** What the manual of f2b-client says of answers: fields by the name of their section. */
class ManualAnswers {
  readonly #sections = new Map<string, Fields>();

  constructor(page: string) {
    const [, text = ""] = /^\.Sh ANSWERS\n(.*?)^\.Sh /ms.exec(page) ?? [];
    for (const section of text.split(/^\.Ss /m).slice(1)) {
      const [name = ""] = section.split("\n", 1);
      const items = [...section.matchAll(/^\.It Cm (\w+) Pq (.*?)(, optional)?$/gm)];
      const own = items.map(([, field = "", type = "", optional]) => {
        return [field, { type, isOptional: optional !== undefined }] as const;
      });
      const [, base = ""] = /^The fields of\n\.Sx (\w+) ,$/m.exec(section) ?? [];
      this.#sections.set(name, new Map([...(this.#sections.get(base) ?? []), ...own]));
    }
  }

  get names(): readonly string[] {
    return [...this.#sections.keys()];
  }

  /** In what a value differs from a section of the manual. */
  problems(name: string, value: unknown, at = name): readonly string[] {
    const fields = this.#sections.get(name);
    if (fields === undefined) return [`${at}: the manual knows no ${name}`];
    if (!isObject(value)) return [`${at}: is no object`];
    const unknown = Object.keys(value).filter((key) => !fields.has(key));
    return [
      ...unknown.map((key) => `${at}.${key}: is not in the manual`),
      ...[...fields].flatMap(([key, { type, isOptional }]) => {
        if (!(key in value)) return isOptional ? [] : [`${at}.${key}: is missing`];
        return this.#mismatch(type, value[key], `${at}.${key}`);
      }),
    ];
  }

  #mismatch(type: string, value: unknown, at: string): readonly string[] {
    const list = /^list of (.*)$/.exec(type)?.[1];
    if (list !== undefined) {
      if (!Array.isArray(value)) return [`${at}: is no list`];
      return value.flatMap((item, index) => this.#mismatch(list, item, `${at}[${index}]`));
    }
    const tried = type.split(" or ").map((each) => this.#simple(each, value, at));
    return tried.some((problems) => problems.length === 0) ? [] : tried.flat();
  }

  #simple(type: string, value: unknown, at: string): readonly string[] {
    const is = SIMPLE[type];
    if (is === undefined) return this.problems(type, value, at);
    return is(value) ? [] : [`${at}: is no ${type}: ${JSON.stringify(value)}`];
  }
}

const SIMPLE: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  integer: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
  number: (value) => typeof value === "number" && value >= 0,
  time: (value) => typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value),
  null: (value) => value === null,
  true: (value) => value === true,
  false: (value) => value === false,
  object: isObject,
  "integers by name": (value) => isObject(value) && Object.values(value).every(Number.isSafeInteger),
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export const answersInManual = new ManualAnswers(readFileSync(join(ROOT, "man/f2b-client.1"), "utf8"));
