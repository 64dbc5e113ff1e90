/** Ed25519 without the cofactor: one verdict everywhere. Source: RFC 8032 section 5.1.7; UDI/1, "Devices". */

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concat, same, unbig, unhex, utf8 } from "./bytes.js";
import { encode } from "./canonical.js";
import type { Json } from "./json.js";

const { Point } = ed25519;
const FIELD = Point.Fp.ORDER;
const ORDER = Point.Fn.ORDER;

/** Whether RFC 8032 would write a point so: y below the field's size, and no sign where x is 0. */
export function isOneSpelling(material: Uint8Array): boolean {
  const number = little(material);
  const y = number & ((1n << 255n) - 1n);
  const signed = number >> 255n === 1n;
  return y < FIELD && !(signed && (y === 1n || y === FIELD - 1n));
}

/** Whether a key of 32 bytes signed a message. */
export function verifies(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  const [r, s] = [signature.subarray(0, 32), little(signature.subarray(32))];
  const point = pointOf(key);
  if (point === null || s >= ORDER) return false;
  const k = little(sha512(concat(r, key, message))) % ORDER;
  const made = Point.BASE.multiplyUnsafe(s).subtract(point.multiplyUnsafe(k));
  return same(made.toBytes(), r);
}

/** Whether a key signed a document under a tag: `tag || 0x00 || canonical JSON`. The signature is hex. */
export function signedDocument(tag: string, document: Json, signature: string, key: Uint8Array): boolean {
  const octets = unhex(signature);
  return octets !== null && verifies(key, tagged(tag, document), octets);
}

/** What is signed of a document. */
export function tagged(tag: string, document: Json): Uint8Array {
  return concat(utf8(`${tag}\0`), encode(document));
}

function pointOf(material: Uint8Array): InstanceType<typeof Point> | null {
  try {
    return Point.fromBytes(material);
  } catch {
    return null;
  }
}

function little(bytes: Uint8Array): bigint {
  return unbig(bytes.toReversed());
}
