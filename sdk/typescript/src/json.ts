/**
 * A reader of JSON that sees what `JSON.parse` swallows: a name that stands twice, and how deep things are.
 *
 * Source: RFC 8259. Grammar of numbers and texts is left to `JSON.parse`, token by token.
 */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

const TOKEN = /[ \t\n\r]*(?:([[\]{},:])|("(?:[^"\\\u0000-\u001f]|\\.)*")|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null))/suy;
const END = /[ \t\n\r]*$/uy;

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** The names of an object are exactly these. */
export function hasOnly(value: JsonObject, ...names: readonly string[]): boolean {
  const found = Object.keys(value);
  return found.length === names.length && names.every((name) => Object.hasOwn(value, name));
}

/** Text of UTF-8; null if it is none. A byte order mark stays. */
export function text(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/**
 * The value of a JSON text.
 *
 * @param depth how many arrays and objects may stand inside one another.
 * @throws SyntaxError it is none, a name stands twice, or it is too deep.
 */
export function parse(source: string, depth: number): Json {
  const reader = new Reader(source, depth);
  const value = reader.value(0);
  reader.end();
  return value;
}

class Reader {
  #at = 0;

  constructor(
    private readonly source: string,
    private readonly depth: number,
  ) {}

  /** One value, inside so many others. */
  value(inside: number, token = this.#next()): Json {
    switch (token) {
      case "[":
        return this.#list(this.#deeper(inside));
      case "{":
        return this.#object(this.#deeper(inside));
      case "]":
      case "}":
      case ",":
      case ":":
        throw new SyntaxError("a value is missing");
      default:
        return JSON.parse(token) as null | boolean | number | string;
    }
  }

  end(): void {
    END.lastIndex = this.#at;
    if (!END.test(this.source)) throw new SyntaxError("something follows");
  }

  #deeper(inside: number): number {
    if (inside >= this.depth) throw new SyntaxError("nested too deep");
    return inside + 1;
  }

  #list(inside: number): Json {
    const items: Json[] = [];
    let token = this.#next();
    if (token === "]") return items;
    for (;;) {
      items.push(this.value(inside, token));
      if (!this.#goesOn("]")) return items;
      token = this.#next();
    }
  }

  #object(inside: number): Json {
    const fields = new Map<string, Json>();
    let token = this.#next();
    while (token !== "}" || fields.size > 0) {
      if (!token.startsWith('"')) throw new SyntaxError("a name is missing");
      const name = JSON.parse(token) as string;
      if (fields.has(name)) throw new SyntaxError("a name stands twice");
      if (this.#next() !== ":") throw new SyntaxError("a colon is missing");
      fields.set(name, this.value(inside));
      if (!this.#goesOn("}")) break;
      token = this.#next();
    }
    return Object.fromEntries(fields);
  }

  #goesOn(closing: string): boolean {
    const token = this.#next();
    if (token !== "," && token !== closing) throw new SyntaxError("a comma is missing");
    return token === ",";
  }

  #next(): string {
    TOKEN.lastIndex = this.#at;
    const found = TOKEN.exec(this.source);
    if (found === null) throw new SyntaxError("not JSON");
    this.#at = TOKEN.lastIndex;
    return found[1] ?? found[2] ?? found[3] ?? "";
  }
}
