/** Canonical JSON: one spelling for what is signed, hashed or compared. Source: UDI/1, notation; RFC 8785. */

import { same, utf8 } from "./bytes.js";
import { refuse } from "./errors.js";
import { isList, type Json, parse, text } from "./json.js";

const DEEPEST = 16;
const ASCII = /^[\u0000-\u007f]*$/;

/** The canonical bytes of a value. Refuses: "json.form". */
export function encode(value: Json): Uint8Array {
  return utf8(spell(value));
}

/** The canonical text of a value. Refuses: "json.form". */
export function spell(value: Json): string {
  return write(value, 0);
}

/** The value of canonical bytes, of at most `limit` bytes. Refuses: "json.form". */
export function decode(bytes: Uint8Array, limit = 1 << 20): Json {
  if (bytes.length > limit) refuse("json.form", `larger than ${limit} bytes`);
  const source = text(bytes) ?? refuse("json.form", "not UTF-8");
  const value = read(source);
  if (!same(encode(value), bytes)) refuse("json.form", "a second spelling");
  return value;
}

function read(source: string): Json {
  try {
    return parse(source, DEEPEST + 1);
  } catch {
    return refuse("json.form", "not JSON, a name stands twice, or too deep");
  }
}

function write(value: Json, inside: number): string {
  if (inside > DEEPEST) refuse("json.form", `inside more than ${DEEPEST} arrays and objects`);
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return quote(value);
  if (typeof value === "number") return digits(value);
  if (isList(value)) return `[${value.map((each) => write(each, inside + 1)).join(",")}]`;
  const fields = Object.entries(value).map(([name, item]) => {
    if (!ASCII.test(name)) refuse("json.form", "a name outside ASCII");
    return [name, write(item, inside + 1)] as const;
  });
  fields.sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${fields.map(([name, item]) => `${quote(name)}:${item}`).join(",")}}`;
}

/** `JSON.stringify` escapes as RFC 8785 does, for it was taken from there; lone surrogates are ours to refuse. */
function quote(value: string): string {
  if (!value.isWellFormed()) refuse("json.form", "a lone surrogate");
  return JSON.stringify(value);
}

function digits(value: number): string {
  if (!Number.isInteger(value) || Math.abs(value) > 2 ** 53) refuse("json.form", "no integer within 2^53");
  return String(value);
}
