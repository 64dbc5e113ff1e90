/** Devices: Ed25519 without the cofactor, in one spelling. Source: UDI/1, "Keys", "Devices"; RFC 8032. */

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concat, same, unbig, utf8 } from "./bytes.js";
import { refuse } from "./errors.js";

const { Point } = ed25519;
const FIELD = Point.Fp.ORDER;
const ORDER = Point.Fn.ORDER;
const TAG = utf8("udi/1 ed25519\0");

/** Whether RFC 8032 would write a point so: y below the field's size, and no sign where x is 0. */
export function isOneSpelling(material: Uint8Array): boolean {
  const number = little(material);
  const y = number & ((1n << 255n) - 1n);
  const signed = number >> 255n === 1n;
  return y < FIELD && !(signed && (y === 1n || y === FIELD - 1n));
}

/** Whether a device signed a digest. Refuses: "signature.form". */
export function signedByDevice(material: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) refuse("signature.form", "not 64 bytes");
  const [r, s] = [signature.subarray(0, 32), little(signature.subarray(32))];
  const key = pointOf(material);
  if (key === null || s >= ORDER) return false;
  const k = little(sha512(concat(r, material, TAG, digest))) % ORDER;
  const made = Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(k));
  return same(made.toBytes(), r);
}

/** Sign a digest as a device whose secret has 32 bytes. */
export function signAsDevice(secret: Uint8Array, digest: Uint8Array): Uint8Array {
  return ed25519.sign(concat(TAG, digest), secret);
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
