/**
 * Typed data: the digest that a wallet signs for a structure. Source: EIP-712; bounds of UDI/1, "Signed documents".
 *
 * Byte strings and addresses are `Uint8Array`, numbers `bigint`: no value has to be guessed.
 */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { big, concat, hex, utf8 } from "./bytes.js";
import { refuse } from "./errors.js";
import type { Json, JsonObject } from "./json.js";

export type Value = boolean | bigint | string | Uint8Array | readonly Value[] | Struct;
export interface Struct {
  readonly [name: string]: Value;
}
export interface Field {
  readonly name: string;
  readonly type: string;
}
export type Types = Readonly<Record<string, readonly Field[]>>;

/** A closed set of structures, and the domain in which they are signed. */
export interface Schema {
  readonly domain: Struct;
  readonly types: Types;
}

const MOST_VALUES = 4_096;
const MOST_BYTES = 65_536;
const DEEPEST = 8;
const DOMAIN: readonly Field[] = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "chainId", type: "uint256" },
  { name: "verifyingContract", type: "address" },
  { name: "salt", type: "bytes32" },
];

/** What a wallet signs: 32 bytes. Refuses: "typed.form", "typed.size". */
export function digest(schema: Schema, name: string, value: Struct): Uint8Array {
  const domain = new Hasher({ EIP712Domain: domainFields(schema) }).struct("EIP712Domain", schema.domain, 0);
  return keccak_256(concat(Uint8Array.of(0x19, 0x01), domain, new Hasher(schema.types).struct(name, value, 0)));
}

/** The parameter of `eth_signTypedData_v4`. */
export function forWallet(schema: Schema, name: string, value: Struct): JsonObject {
  const types: Record<string, Json> = { EIP712Domain: listed(domainFields(schema)) };
  for (const each of used(schema.types, name)) types[each] = listed(schema.types[each] ?? []);
  return { types, primaryType: name, domain: plain(schema.domain), message: plain(value) };
}

/** A type, then all that it uses, by name. */
function used(types: Types, name: string): readonly string[] {
  const found = new Set([name]);
  for (const each of found) {
    for (const { type } of types[each] ?? []) {
      const base = type.replace(/\[.*$/, "");
      if (Object.hasOwn(types, base)) found.add(base);
    }
  }
  found.delete(name);
  return [name, ...[...found].sort()];
}

function domainFields(schema: Schema): readonly Field[] {
  return DOMAIN.filter(({ name }) => Object.hasOwn(schema.domain, name));
}

function listed(fields: readonly Field[]): Json {
  return fields.map(({ name, type }) => ({ name, type }));
}

function plain(value: Value): Json {
  if (typeof value === "bigint") return String(value);
  if (typeof value === "boolean" || typeof value === "string") return value;
  if (value instanceof Uint8Array) return `0x${hex(value)}`;
  if (isValues(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
}

function isValues(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** Hashes one document, and counts what it costs. */
class Hasher {
  #values = 0;
  #bytes = 0;

  constructor(private readonly types: Types) {}

  struct(name: string, value: Value | undefined, depth: number): Uint8Array {
    if (depth > DEEPEST) refuse("typed.size", "nested too deep");
    const fields = this.types[name] ?? refuse("typed.form", `no type ${name}`);
    const given = asStruct(value);
    if (given === null || Object.keys(given).length !== fields.length || fields.some((each) => !Object.hasOwn(given, each.name))) {
      return refuse("typed.form", `not the fields of ${name}`);
    }
    const encoded = fields.map((each) => this.#encode(each.type, given[each.name], depth));
    return keccak_256(concat(keccak_256(utf8(this.#encodeType(name))), ...encoded));
  }

  /** A type's text, then those of all that it uses, by name. */
  #encodeType(name: string): string {
    const spelled = used(this.types, name).map((each) => {
      const fields = this.types[each] ?? [];
      return `${each}(${fields.map((field) => `${field.type} ${field.name}`).join(",")})`;
    });
    return spelled.join("");
  }

  #encode(type: string, value: Value | undefined, depth: number): Uint8Array {
    this.#count(value);
    const array = /^(.+)\[([0-9]*)\]$/.exec(type);
    if (array !== null) return this.#array(array[1] ?? "", array[2] ?? "", value, depth);
    if (Object.hasOwn(this.types, type)) return this.struct(type, value, depth + 1);
    return atom(type, value) ?? refuse("typed.form", `no ${type}`);
  }

  #array(type: string, size: string, value: Value | undefined, depth: number): Uint8Array {
    if (depth >= DEEPEST) refuse("typed.size", "nested too deep");
    if (value === undefined || !isValues(value)) return refuse("typed.form", "no list");
    if (size !== "" && value.length !== Number(size)) refuse("typed.form", "a list of another length");
    return keccak_256(concat(...value.map((each) => this.#encode(type, each, depth + 1))));
  }

  #count(value: Value | undefined): void {
    this.#values += 1;
    if (typeof value === "string") this.#bytes += utf8(value).length;
    if (value instanceof Uint8Array) this.#bytes += value.length;
    if (this.#values > MOST_VALUES || this.#bytes > MOST_BYTES) refuse("typed.size", "larger than any honest document");
  }
}

function asStruct(value: Value | undefined): Struct | null {
  if (typeof value !== "object" || value instanceof Uint8Array || isValues(value)) return null;
  return value;
}

/** One value in 32 bytes; null if it is not of this type. */
function atom(type: string, value: Value | undefined): Uint8Array | null {
  if (typeof value === "boolean") return type === "bool" ? big(BigInt(value), 32) : null;
  if (typeof value === "string") return type === "string" && value.isWellFormed() ? keccak_256(utf8(value)) : null;
  if (typeof value === "bigint") return integer(type, value);
  if (value instanceof Uint8Array) return octets(type, value);
  return null;
}

function octets(type: string, value: Uint8Array): Uint8Array | null {
  if (type === "bytes") return keccak_256(value);
  const word = new Uint8Array(32);
  if (type === "address" && value.length === 20) {
    word.set(value, 12);
    return word;
  }
  const fixed = /^bytes([1-9]|[12][0-9]|3[0-2])$/.exec(type);
  if (fixed === null || value.length !== Number(fixed[1])) return null;
  word.set(value);
  return word;
}

function integer(type: string, value: bigint): Uint8Array | null {
  const known = /^(u?)int([1-9][0-9]*)$/.exec(type);
  if (known === null) return null;
  const bits = Number(known[2]);
  const fits = known[1] === "u" ? BigInt.asUintN(bits, value) === value : BigInt.asIntN(bits, value) === value;
  return fits ? big(BigInt.asUintN(256, value), 32) : null;
}
