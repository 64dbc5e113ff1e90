/** Which records of a type. Source: UDI/1, "Selectors". */

import { refuse } from "./errors.js";
import { isObject, type Json } from "./json.js";

export type Literal = string | number | boolean;
export interface Selector {
  /** POSIX seconds; records that changed earlier are left out. */
  readonly since: number | null;
  /** What fields must be, by their path; in order of paths. */
  readonly equal: readonly (readonly [field: string, value: Literal])[];
}

/** The end of the year 9999. */
export const LAST = 253_402_300_799;
const AND = " AND ";
const FIELD = /^[A-Za-z_][A-Za-z0-9_-]{0,63}(?:\.[A-Za-z_][A-Za-z0-9_-]{0,63}){0,3}$/;
const TEXT = /^[\u0020\u0021\u0023-\u005b\u005d-\u007e]{0,128}$/;
const NATURAL = /^(?:0|[1-9][0-9]{0,15})$/;

/** The selector of a text. Refuses: "selector.form". */
export function parseSelector(text: unknown): Selector {
  if (typeof text !== "string" || text.length > 1_024) return malformed("a text of this size");
  if (text === "all") return { since: null, equal: [] };
  const conditions = split(text);
  if (conditions.length > 8) malformed("at most 8 conditions");
  const first = conditions[0] ?? "";
  const since = first.startsWith("since:") ? seconds(first.slice("since:".length)) : null;
  const equal = conditions.slice(since === null ? 0 : 1).map(equation);
  if (equal.some(([field], at) => at > 0 && (equal[at - 1]?.[0] ?? "") >= field)) malformed("in order");
  return { since, equal };
}

/** The text of a selector. */
export function spellSelector({ since, equal }: Selector): string {
  const conditions = equal.map(([field, value]) => `${field} = ${spellLiteral(value)}`);
  return (since === null ? conditions : [`since:${since}`, ...conditions]).join(AND) || "all";
}

export function spellLiteral(value: Literal): string {
  return typeof value === "string" ? `"${value}"` : String(value);
}

/** Whether a record that last changed at a time is selected. */
export function selects({ since, equal }: Selector, record: Json, changed: number): boolean {
  if (since !== null && changed < since) return false;
  return equal.every(([field, value]) => found(record, field.split(".")) === value);
}

/** Whether everything that one selects, the other selects, too. */
export function isSelectorWithin(one: Selector, other: Selector): boolean {
  if (other.since !== null && (one.since === null || one.since < other.since)) return false;
  return other.equal.every(([field, value]) => one.equal.some(([name, mine]) => name === field && mine === value));
}

/** Conditions between AND; one inside quotes is none. */
function split(text: string): string[] {
  const quoted = text.split('"');
  if (quoted.length % 2 === 0) malformed("closed quotes");
  const outside = quoted.map((part, at) => (at % 2 === 0 ? part.replaceAll(AND, "\n") : part));
  if (text.includes("\n")) malformed("one line");
  return outside.join('"').split("\n");
}

function equation(condition: string): readonly [string, Literal] {
  const mark = condition.indexOf(" = ");
  const [field, literal] = [condition.slice(0, Math.max(mark, 0)), condition.slice(mark + 3)];
  if (mark < 0 || !FIELD.test(field)) malformed("a condition");
  return [field, literalOf(literal)];
}

function literalOf(text: string): Literal {
  if (text === "true" || text === "false") return text === "true";
  if (text.startsWith('"')) {
    const inside = text.slice(1, -1);
    return text.length > 1 && text.endsWith('"') && TEXT.test(inside) ? inside : malformed("a text");
  }
  const digits = text.startsWith("-") ? text.slice(1) : text;
  if (!NATURAL.test(digits) || text === "-0" || !Number.isSafeInteger(Number(text))) malformed("an integer");
  return Number(text);
}

function seconds(text: string): number {
  const fits = NATURAL.test(text) && Number(text) <= LAST;
  return fits ? Number(text) : malformed("a time");
}

/** The value at a path; nothing equals what is absent. */
function found(record: Json | undefined, path: readonly string[]): Json | undefined {
  let at = record;
  for (const name of path) at = isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined;
  return at;
}

function malformed(what: string): never {
  return refuse("selector.form", `not ${what}`);
}
