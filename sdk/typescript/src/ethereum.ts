/** Ethereum accounts: addresses, digests of texts, signatures of 65 bytes. Source: UDI/1, "Ethereum accounts"; EIP-191; EIP-55. */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { concat, hex, unbig, utf8 } from "./bytes.js";
import { refuse } from "./errors.js";

const ORDER = secp256k1.Point.Fn.ORDER;

/** The digest of a text that a wallet signs by `personal_sign`. */
export function personalDigest(message: Uint8Array): Uint8Array {
  return keccak_256(concat(utf8(`\u0019Ethereum Signed Message:\n${message.length}`), message));
}

/**
 * The address, 20 bytes, of who signed a digest of 32 bytes.
 *
 * Refuses: "signature.form", "signature.v", "signature.range", "signature.high-s".
 */
export function recover(digest: Uint8Array, signature: Uint8Array): Uint8Array {
  if (signature.length !== 65) refuse("signature.form", "not 65 bytes");
  const v = signature[64];
  if (v !== 27 && v !== 28) return refuse("signature.v", "v is neither 27 nor 28");
  const [r, s] = [unbig(signature.subarray(0, 32)), unbig(signature.subarray(32, 64))];
  for (const each of [r, s]) if (each < 1n || each >= ORDER) refuse("signature.range", "r or s is out of range");
  if (s > ORDER / 2n) refuse("signature.high-s", "s is in the upper half");
  return addressOfPoint(point(digest, signature, v));
}

function point(digest: Uint8Array, signature: Uint8Array, v: number): Uint8Array {
  try {
    const recovered = concat(Uint8Array.of(v - 27), signature.subarray(0, 64));
    const compressed = secp256k1.recoverPublicKey(recovered, digest, { prehash: false });
    return secp256k1.Point.fromBytes(compressed).toBytes(false);
  } catch {
    return refuse("signature.form", "no key made this signature");
  }
}

/** Sign a digest of 32 bytes: deterministic (RFC 6979), low s. */
export function sign(secret: Uint8Array, digest: Uint8Array): Uint8Array {
  const made = secp256k1.sign(digest, secret, { prehash: false, format: "recovered" });
  return concat(made.subarray(1), Uint8Array.of(27 + (made[0] ?? 0)));
}

/** The address, 20 bytes, of a secret of 32 bytes. */
export function addressOf(secret: Uint8Array): Uint8Array {
  return addressOfPoint(secp256k1.getPublicKey(secret, false));
}

function addressOfPoint(uncompressed: Uint8Array): Uint8Array {
  return keccak_256(uncompressed.subarray(1)).subarray(12);
}

/** An address as people see it: 0x, and capitals for a checksum. Source: EIP-55. */
export function checksummed(address: Uint8Array): string {
  const digits = hex(address);
  const mask = hex(keccak_256(utf8(digits)));
  const shown = Array.from(digits, (each, at) => (Number.parseInt(mask.charAt(at), 16) > 7 ? each.toUpperCase() : each));
  return `0x${shown.join("")}`;
}
