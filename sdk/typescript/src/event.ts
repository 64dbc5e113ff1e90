/** One key event: its form, its digest, the bytes in which it travels. Source: UDI/1, "Key events". */

import { sha256 } from "@noble/hashes/sha2.js";
import { concat, hex, unhex, utf8 } from "./bytes.js";
import { decode, encode, spell } from "./canonical.js";
import { refuse } from "./errors.js";
import { hasOnly, isList, isObject, type Json, type JsonObject } from "./json.js";
import { type Key, parseKey } from "./key.js";
import { ascend } from "./reading.js";
import { digest, type Schema, type Struct } from "./typed-data.js";

/** 32 bytes in hex. */
export type Hex32 = string;

export interface Guardian {
  readonly commitment: Hex32;
  readonly operator: Hex32;
}

/** A guardian who steps forward. */
export interface Opening {
  readonly key: Key;
  readonly salt: Hex32;
}

/** What an event does. */
export type Action =
  | { readonly kind: "incept"; readonly guardians: readonly Guardian[]; readonly keys: readonly Key[]; readonly salt: Hex32 }
  | { readonly kind: "add" | "remove"; readonly key: Key }
  | { readonly kind: "rotate"; readonly key: Key; readonly old: Key }
  | { readonly kind: "guardians"; readonly guardians: readonly Guardian[] }
  | { readonly kind: "freeze"; readonly guardian?: Opening }
  | { readonly kind: "unfreeze" }
  | { readonly kind: "revoke-grants"; readonly before: number }
  | { readonly kind: "recover"; readonly guardian: Opening; readonly key: Key }
  | { readonly kind: "approve" | "cancel"; readonly guardian?: Opening; readonly recovery: Hex32 }
  | { readonly kind: "execute"; readonly recovery: Hex32 };

export interface Event {
  readonly account: Hex32;
  readonly seq: number;
  readonly prior: Hex32;
  readonly action: Action;
  /** POSIX seconds. */
  readonly at: number;
}

export interface SignedEvent {
  readonly event: Event;
  readonly key: Key;
  readonly signature: Uint8Array;
}

export const NOTHING: Hex32 = "00".repeat(32);
const LARGEST = 24 << 10;
const MOST = 16;

/** What an account holds for a guardian. */
export function commitmentOf(opening: Opening): Hex32 {
  const salt = unhex(opening.salt) ?? refuse("event.form", "a salt is hex");
  return hex(sha256(concat(utf8("udi/1 guardian\0"), salt, utf8(opening.key.text))));
}

/** The structure that is signed. */
export function structOf(event: Event): Struct {
  return {
    account: octets(event.account),
    seq: BigInt(event.seq),
    prior: octets(event.prior),
    kind: event.action.kind,
    body: spell(bodyOf(event.action)),
    at: BigInt(event.at),
  };
}

/** The digest of an event; that of the first is the id of the account. */
export function digestOf(event: Event, schema: Schema): Uint8Array {
  return digest(schema, "KeyEvent", structOf(event));
}

/** The bytes in which an event travels. */
export function encodeEvent({ event, key, signature }: SignedEvent): Uint8Array {
  const { account, seq, prior, action, at } = event;
  const said = { account, seq, prior, kind: action.kind, body: spell(bodyOf(action)), at };
  return encode({ event: said, key: key.text, signature: hex(signature) });
}

/** Read a signed event. Refuses: "json.form", "event.*", "key.form", "passkey.key". */
export function decodeEvent(bytes: Uint8Array): SignedEvent {
  const value = decode(bytes, LARGEST);
  if (!isObject(value) || !hasOnly(value, "event", "key", "signature")) return malformed("a signed event");
  const { event, key, signature } = value;
  if (!isObject(event) || typeof key !== "string" || typeof signature !== "string") return malformed("a signed event");
  return { event: readEvent(event), key: parseKey(key), signature: unhex(signature) ?? malformed("a signature") };
}

function readEvent(value: JsonObject): Event {
  if (!hasOnly(value, "account", "at", "body", "kind", "prior", "seq")) return malformed("an event");
  const { account, at, body, kind, prior, seq } = value;
  if (typeof body !== "string" || typeof kind !== "string" || !Object.hasOwn(READERS, kind)) return malformed("an event");
  return {
    account: hex32(account),
    prior: hex32(prior),
    seq: whole(seq, 0, 2 ** 32),
    at: whole(at, 1, 2 ** 40),
    action: readBody(kind as Action["kind"], utf8(body)),
  };
}

/** What an event of a kind says, from the text of its body. */
function readBody(kind: Action["kind"], body: Uint8Array): Action {
  const value = decode(body, LARGEST);
  if (!isObject(value)) return malformed("a body");
  return READERS[kind](value);
}

/** Fields are read in the order of their names, so that the first that is wrong is named. */
const READERS: { readonly [K in Action["kind"]]: (body: JsonObject) => Action } = {
  incept: (body) => {
    names(body, "guardians", "keys", "salt");
    const [guardians, keys] = [readGuardians(body["guardians"]), readKeys(body["keys"])];
    return { kind: "incept", guardians, keys, salt: hex32(body["salt"]) };
  },
  add: (body) => ({ kind: "add", key: parseKey(names(body, "key")["key"]) }),
  remove: (body) => ({ kind: "remove", key: parseKey(names(body, "key")["key"]) }),
  rotate: (body) => {
    names(body, "key", "old");
    return { kind: "rotate", key: parseKey(body["key"]), old: parseKey(body["old"]) };
  },
  guardians: (body) => ({ kind: "guardians", guardians: readGuardians(names(body, "guardians")["guardians"]) }),
  freeze: (body) => ({ kind: "freeze", ...readHelper(body) }),
  unfreeze: (body) => {
    names(body);
    return { kind: "unfreeze" };
  },
  "revoke-grants": (body) => ({ kind: "revoke-grants", before: whole(names(body, "before")["before"], 0, 2 ** 40) }),
  recover: (body) => {
    names(body, "guardian", "key");
    return { kind: "recover", guardian: readOpening(body["guardian"]), key: parseKey(body["key"]) };
  },
  approve: (body) => ({ kind: "approve", ...readHelper(body, "recovery"), recovery: hex32(body["recovery"]) }),
  cancel: (body) => ({ kind: "cancel", ...readHelper(body, "recovery"), recovery: hex32(body["recovery"]) }),
  execute: (body) => ({ kind: "execute", recovery: hex32(names(body, "recovery")["recovery"]) }),
};

function bodyOf(action: Action): JsonObject {
  const fields = Object.entries(action).filter(([name]) => name !== "kind");
  return Object.fromEntries(fields.map(([name, value]) => [name, plain(value)]));
}

type Said = Key | Opening | Guardian | string | number;

function plain(value: Said | readonly Said[]): Json {
  if (typeof value === "string" || typeof value === "number") return value;
  if (isSaid(value)) return value.map(plain);
  if ("material" in value) return value.text;
  if ("salt" in value) return { key: value.key.text, salt: value.salt };
  return { commitment: value.commitment, operator: value.operator };
}

function isSaid(value: Said | readonly Said[]): value is readonly Said[] {
  return Array.isArray(value);
}

function names(body: JsonObject, ...wanted: readonly string[]): JsonObject {
  return hasOnly(body, ...wanted) ? body : malformed("the fields of this kind");
}

/** The guardian who signs, if one does. */
function readHelper(body: JsonObject, ...wanted: readonly string[]): { guardian?: Opening } {
  if (!Object.hasOwn(body, "guardian")) {
    names(body, ...wanted);
    return {};
  }
  return { guardian: readOpening(names(body, "guardian", ...wanted)["guardian"]) };
}

function readKeys(value: Json | undefined): readonly Key[] {
  if (!isList(value) || value.length < 1 || value.length > MOST) return malformed("a list of 1 to 16 keys");
  const keys = value.map(parseKey);
  if (!ascend(keys.map((each) => each.text))) malformed("the order of keys");
  return keys;
}

function readGuardians(value: Json | undefined): readonly Guardian[] {
  if (!isList(value) || value.length > MOST) return malformed("a list of at most 16 guardians");
  const guardians = value.map((each) => {
    if (!isObject(each) || !hasOnly(each, "commitment", "operator")) return malformed("a guardian");
    return { commitment: hex32(each["commitment"]), operator: hex32(each["operator"]) };
  });
  if (new Set(guardians.map((each) => each.operator)).size < guardians.length) refuse("event.operator", "two of one operator");
  if (!ascend(guardians.map((each) => each.commitment))) malformed("the order of guardians");
  return guardians;
}

function readOpening(value: Json | undefined): Opening {
  if (!isObject(value) || !hasOnly(value, "key", "salt") || typeof value["key"] !== "string") return malformed("an opening");
  return { key: parseKey(value["key"]), salt: hex32(value["salt"]) };
}

function hex32(value: Json | undefined): Hex32 {
  return typeof value === "string" && unhex(value)?.length === 32 ? value : malformed("32 bytes in hex");
}

function octets(text: Hex32): Uint8Array {
  return unhex(text) ?? malformed("32 bytes in hex");
}

function whole(value: Json | undefined, least: number, below: number): number {
  const fits = typeof value === "number" && Number.isInteger(value) && value >= least && value < below;
  return fits ? value : malformed("a number in its range");
}

function malformed(what: string): never {
  return refuse("event.form", `not ${what}`);
}
