/** Strict readers of JSON fields, with one code for all that is wrong. */

import { hex, unhex, utf8 } from "./bytes.js";
import { refuse } from "./errors.js";
import { hasOnly, isList, isObject, type Json, type JsonObject } from "./json.js";

const HIDDEN =
  /[\u0000-\u001f\u0022\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\u{e0000}-\u{e0fff}]/u;

export const APP = /^[a-z0-9][a-z0-9._:-]{0,127}$/;
export const DATA_TYPE = /^(?=.{5,128}$)[a-z][a-z0-9-]{0,62}(?:\.[a-z][a-z0-9-]{0,62}){1,7}\.v[1-9][0-9]{0,3}$/;

/** Text that strangers write and people read before they sign: one line that hides nothing. Source: UDI/1, "Grants". */
export function isPlain(text: string): boolean {
  const size = [...text].length;
  return size >= 1 && size <= 200 && !text.startsWith(" ") && !text.endsWith(" ") && !HIDDEN.test(text);
}

/** Readers that refuse with this code. */
export function readers(code: string) {
  const bad = (what: string): never => refuse(code, `not ${what}`);
  return {
    bad,
    object(value: Json | undefined, ...names: readonly string[]): JsonObject {
      return isObject(value) && hasOnly(value, ...names) ? value : bad(`an object of ${names.join(", ")}`);
    },
    list(value: Json | undefined, least: number, most: number): readonly Json[] {
      return isList(value) && value.length >= least && value.length <= most ? value : bad(`a list of ${least} to ${most}`);
    },
    text(value: Json | undefined, form: RegExp): string {
      return typeof value === "string" && form.test(value) ? value : bad(`text like ${form.source}`);
    },
    plain(value: Json | undefined): string {
      return typeof value === "string" && isPlain(value) ? value : bad("one line that hides nothing");
    },
    octets(value: Json | undefined, size: number): Uint8Array {
      const bytes = typeof value === "string" ? unhex(value) : null;
      return bytes?.length === size ? bytes : bad(`${size} bytes in hex`);
    },
    whole(value: Json | undefined, least: number, most: number): number {
      const fits = typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
      return fits ? value : bad(`a number from ${least} to ${most}`);
    },
  };
}

/** In order of their bytes, and none twice. JavaScript's own order is another one beyond U+FFFF. */
export function ascend(texts: readonly string[]): boolean {
  const bytes = texts.map((each) => hex(utf8(each)));
  return bytes.every((each, at) => at === 0 || (bytes[at - 1] ?? "") < each);
}
