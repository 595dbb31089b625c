import { charSet, isSubset, sizeOf } from "../../python/charset.ts";
import { charsOf } from "../../python/classes.ts";
import {
  type CharNode,
  childrenOf,
  type GroupNode,
  type Node,
  type RepeatNode,
  type Tree,
} from "../../python/tree.ts";
import { type FieldKind, isOpen, loopField, userField } from "./field-kinds.ts";

/** Groups that name the address or id of a failure. */
export const IDS: readonly string[] = ["fid", "ip4", "ip6", "dns"];

/** Groups that hold other lines, or text of the service. */
const OWN = /^(?:content|mlfid|skiplines\d+)$/;

const USER = /^(?:alt_)?user(?:_\d+)?$/;

/** Words before a user's name. */
const BEFORE_NAME =
  /(?:^|[^a-z])(?:user(?:name|id| id)?|r?user|log(?:in|name)|account|acct|authid|for|as)["'`<([{:= ]*$/i;

/** How much text before a field is looked at. */
const LOOKED_AT = 24;

/** This many letters in a row are a word. */
const WORD = 3;

const ALPHABETIC = charSet([
  [0x41, 0x5a],
  [0x61, 0x7a],
]);

/**
 * What a pattern matches: the whole line; the message of the service; or, for a prefregex, everything before its content.
 */
export type Role = "line" | "message" | "prefix";

/** Which parts of a pattern match text that a client can choose, and which match text of the logger. */
export interface PatternFields {
  /** Loops over a wide class, and user names. */
  readonly fields: ReadonlyMap<Node, FieldKind>;
  /** Optional nodes before the text of the service, or before the content: most lines have what they match. */
  readonly header: ReadonlySet<Node>;
}

/**
 * Finds the fields of a pattern. Loops before the first word that every match has, or before the address, match text of the logger (the
 * host, the tag, the process) or a number of the service: they are no fields, unless they match blanks and something stands before them,
 * or the pattern matches a message.
 */
export function readFields(tree: Tree, role: Role): PatternFields {
  return new FieldReader(tree, role).read();
}

class FieldReader {
  readonly #tree: Tree;
  readonly #role: Role;
  readonly #fields = new Map<Node, FieldKind>();
  readonly #header = new Set<Node>();
  /** True after the first word. */
  #isService = false;
  /** True after the first character that every match has. */
  #hasBegun: boolean;
  /** The fixed text before the current place. */
  #before = "";

  constructor(tree: Tree, role: Role) {
    this.#tree = tree;
    this.#role = role;
    this.#hasBegun = role === "message";
  }

  read(): PatternFields {
    this.#visit(this.#tree.root);
    return { fields: this.#fields, header: this.#header };
  }

  #visit(node: Node): void {
    switch (node.type) {
      case "char":
        this.#char(node);
        return;
      case "group":
        this.#group(node);
        return;
      case "repeat":
        this.#repeat(node);
        return;
      case "atomic":
        this.#visit(node.body);
        return;
      case "sequence":
        for (const item of node.items) this.#visit(item);
        return;
      case "alternation":
      case "conditional":
        this.#branches(childrenOf(node));
        return;
      default:
        return;
    }
  }

  #char(node: CharNode): void {
    const chars = charsOf(node, "ascii");
    const isFixed = sizeOf(chars) === 1 || (sizeOf(chars) === 2 && isSubset(chars, ALPHABETIC));
    this.#before = isFixed ? `${this.#before}${String.fromCharCode(chars[0] ?? 0)}`.slice(-LOOKED_AT) : "";
    // After a newline the text of the logger begins again.
    const isNewline = chars.length === 2 && chars[0] === 10 && chars[1] === 10;
    this.#hasBegun = isNewline ? this.#role === "message" : this.#hasBegun || isFixed;
    this.#isService = !isNewline && (this.#isService || WORD_END.test(this.#before));
  }

  #group(node: GroupNode): void {
    const name = this.#tree.names.get(node.index ?? 0) ?? "";
    if (IDS.includes(name)) {
      this.#isService = true;
      this.#before = "";
      return;
    }
    if (OWN.test(name)) return;
    const field = USER.test(name) ? userField(node) : undefined;
    if (field) this.#add(node, field);
    else this.#visit(node.body);
  }

  #repeat(node: RepeatNode): void {
    const field = loopField(node, BEFORE_NAME.test(this.#before));
    if (field) {
      this.#add(node, field);
      return;
    }
    const [wasService, hadBegun] = [this.#isService, this.#hasBegun];
    if (node.min === 0 && (!wasService || this.#role === "prefix") && isOpen(node)) this.#header.add(node);
    this.#visit(node.body);
    if (node.max > 1) this.#before = "";
    if (node.min > 0) return;
    this.#isService = wasService;
    this.#hasBegun = hadBegun;
  }

  #branches(branches: readonly Node[]): void {
    const [wasService, hadBegun, before] = [this.#isService, this.#hasBegun, this.#before];
    const after = branches.map((branch) => {
      this.#isService = wasService;
      this.#hasBegun = hadBegun;
      this.#before = before;
      this.#visit(branch);
      return [this.#isService, this.#hasBegun] as const;
    });
    this.#isService = after.every(([isService]) => isService);
    this.#hasBegun = after.every(([, hasBegun]) => hasBegun);
  }

  #add(node: Node, field: FieldKind): void {
    this.#before = "";
    const isFree = this.#hasBegun && field.takes("x y x") === "yes";
    if (this.#isService || isFree) this.#fields.set(node, field);
  }
}

const WORD_END = new RegExp(`[A-Za-z]{${WORD}}$`);
