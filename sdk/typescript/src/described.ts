/** What a vault tells, as consent texts and grants need it. */

import { unhex, utf8 } from "./bytes.js";
import type { Described, Titles } from "./consent.js";
import { refuse } from "./errors.js";
import { isObject, type Json } from "./json.js";
import { decodePolicy, type ReleasePolicy } from "./policy.js";

/** A declared type in people's words. Source: UDI/1, "Consent texts". */
export function described(digest: string, schema: Json): Described {
  const properties = isObject(schema) && isObject(schema["properties"]) ? schema["properties"] : {};
  const whole = isSensitive(schema);
  const fields = Object.keys(properties)
    .sort()
    .map((name) => ({ titles: titlesOf(properties[name], name), sensitive: whole || isSensitive(properties[name]) }));
  return { schema: octets(digest, 32), titles: titlesOf(schema, ""), fields };
}

/** A release policy as a vault shows it. */
export function policyOf(value: Json | undefined): ReleasePolicy {
  // Canonical JSON has sorted names, and so has what `sorted` writes: no value in a policy is a fraction.
  return decodePolicy(utf8(JSON.stringify(sorted(value ?? null))));
}

/** Bytes of a known size. Refuses: "vault.answer". */
export function octets(text: string, size: number): Uint8Array {
  const found = unhex(text);
  return found?.length === size ? found : refuse("vault.answer", `not ${size} bytes in hex`);
}

function isSensitive(schema: Json | undefined): boolean {
  const said = isObject(schema) ? schema["x-sensitivity"] : undefined;
  return said !== undefined && said !== "normal";
}

function titlesOf(schema: Json | undefined, name: string): Titles {
  const title = isObject(schema) ? schema["title"] : undefined;
  if (!isObject(schema) || typeof title !== "string") return { en: name };
  const others = isObject(schema["titles"]) ? schema["titles"] : {};
  return { ...Object.fromEntries(Object.entries(others).map(([language, words]) => [language, String(words)])), en: title };
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name] ?? null)]));
}
