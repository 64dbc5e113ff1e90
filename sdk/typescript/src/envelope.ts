/** Chunks on their way: sealed for one recipient and one place. Source: UDI/1, "Chunks"; RFC 9180. */

import { x25519 } from "@noble/curves/ed25519.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { big, concat, utf8 } from "./bytes.js";
import { refuse } from "./errors.js";

const KEY = 32;
const TAG = 16;
const LARGEST = 1 << 20;
const NOTHING = new Uint8Array();
/** DHKEM(X25519, HKDF-SHA256); with HKDF-SHA256 and AES-256-GCM, base mode. Source: RFC 9180 section 7. */
const KEM = concat(utf8("KEM"), Uint8Array.of(0, 0x20));
const SUITE = concat(utf8("HPKE"), Uint8Array.of(0, 0x20, 0, 1, 0, 2));

/**
 * The chunk that was sealed to a key, of 32 secret bytes, as the nth of a transfer.
 *
 * Refuses: "chunk.seal".
 */
export async function openChunk(sealed: Uint8Array, secret: Uint8Array, transfer: Uint8Array, n: number): Promise<Uint8Array> {
  if (sealed.length <= KEY + TAG || sealed.length > LARGEST + KEY + TAG) refuse("chunk.seal", "not a sealed chunk of this size");
  const [sent, body] = [sealed.subarray(0, KEY), sealed.subarray(KEY)];
  const info = concat(utf8("udi/1 chunk\0"), transfer, big(BigInt(n), 4));
  const { key, nonce } = contextOf(agree(sent, secret), info);
  const imported = await crypto.subtle.importKey("raw", new Uint8Array(key), "AES-GCM", false, ["decrypt"]);
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: new Uint8Array(nonce) }, imported, new Uint8Array(body)));
  } catch {
    return refuse("chunk.seal", "not sealed for this key and place");
  }
}

/** Source: RFC 9180 section 4.1, Decap. A key of low order, whose secret everybody knows, is refused there, too. */
function agree(sent: Uint8Array, secret: Uint8Array): Uint8Array {
  const context = concat(sent, x25519.getPublicKey(secret));
  const prk = labeledExtract(KEM, NOTHING, "eae_prk", shared(secret, sent));
  return labeledExpand(KEM, prk, "shared_secret", context, 32);
}

function shared(secret: Uint8Array, sent: Uint8Array): Uint8Array {
  try {
    return x25519.getSharedSecret(secret, sent);
  } catch {
    return refuse("chunk.seal", "a key of low order");
  }
}

/** Source: RFC 9180 section 5.1, KeySchedule. */
function contextOf(secret: Uint8Array, info: Uint8Array): { key: Uint8Array; nonce: Uint8Array } {
  const [psk, hash] = [labeledExtract(SUITE, NOTHING, "psk_id_hash", NOTHING), labeledExtract(SUITE, NOTHING, "info_hash", info)];
  const context = concat(Uint8Array.of(0), psk, hash);
  const made = labeledExtract(SUITE, secret, "secret", NOTHING);
  return { key: labeledExpand(SUITE, made, "key", context, 32), nonce: labeledExpand(SUITE, made, "base_nonce", context, 12) };
}

/** Source: RFC 9180 section 4. */
function labeledExtract(suite: Uint8Array, salt: Uint8Array, label: string, material: Uint8Array): Uint8Array {
  return extract(sha256, concat(utf8("HPKE-v1"), suite, utf8(label), material), salt);
}

function labeledExpand(suite: Uint8Array, prk: Uint8Array, label: string, info: Uint8Array, size: number): Uint8Array {
  return expand(sha256, prk, concat(big(BigInt(size), 2), utf8("HPKE-v1"), suite, utf8(label), info), size);
}
