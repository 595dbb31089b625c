import type { FilterPattern } from "../../filter/compile-filter.ts";
import { expandTags } from "../../filter/filter-tags.ts";
import type { PythonPattern } from "../../python/pattern.ts";
import type { Node, Tree } from "../../python/tree.ts";
import type { Pattern } from "../../rules/rule.ts";
import type { FieldKind, PatternPlace } from "./field-kinds.ts";
import { type PatternFields, type Role, readFields } from "./pattern-fields.ts";
import type { Field } from "./template.ts";

/** A pattern of a rule, with the places where it matches text that a client can choose. */
export class HostilePattern {
  /** `prefregex`, `failregex 1`. */
  readonly name: string;
  readonly compiled: PythonPattern;
  readonly #reading: PatternFields;
  readonly #written: Pattern;
  readonly #offsetOf: (offset: number) => number;

  constructor(written: Pattern, name: string, { pattern }: FilterPattern, role: Role) {
    this.name = name;
    this.compiled = pattern;
    this.#reading = readFields(pattern.tree, role);
    this.#written = written;
    this.#offsetOf = expandTags(written.source).offsetOf;
  }

  get fields(): PatternFields["fields"] {
    return this.#reading.fields;
  }

  get header(): PatternFields["header"] {
    return this.#reading.header;
  }

  get tree(): Tree {
    return this.compiled.tree;
  }

  /** A place in the pattern, by its offset with the tags expanded. */
  placeAt(offset = 0): PatternPlace {
    return { pattern: this.#written, offset: this.#offsetOf(offset), name: this.name };
  }

  /** Where the pattern ends. */
  get end(): PatternPlace {
    return { pattern: this.#written, offset: this.#written.source.length, name: this.name };
  }

  /** The field of a node, with the text that `textFor` gives for it. */
  field(node: Node, textFor: (takes: (text: string) => boolean) => string): Field {
    const kind = this.fields.get(node) as FieldKind;
    const text = textFor((each) => kind.takes(each) === "yes");
    return { kind, fieldPlace: this.placeAt(node.offset), text };
  }
}
