/** Records and keys, sealed. Source: UDI/1, "Sealed records". By WebCrypto, so asynchronous. */

import { concat, hex, utf8 } from "./bytes.js";
import { refuse } from "./errors.js";

/** Where a body belongs; one that is moved does not open. */
export interface SealedPlace {
  readonly owner: Uint8Array;
  readonly id: Uint8Array;
  readonly type: string;
  readonly rev: number;
}

const NONCE = 12;
const FORMAT = 1;
const WRAPPED = utf8("udi1|key");

/** 32 bytes under a user key: 60 bytes. */
export async function wrapKey(user: Uint8Array, key: Uint8Array): Promise<Uint8Array> {
  return encrypt(user, key, WRAPPED);
}

/** Refuses: "record.seal". */
export async function unwrapKey(user: Uint8Array, wrapped: Uint8Array): Promise<Uint8Array> {
  return decrypt(user, wrapped, WRAPPED);
}

/** A body under a key of its own. */
export async function sealBody(key: Uint8Array, place: SealedPlace, body: Uint8Array): Promise<Uint8Array> {
  return concat(Uint8Array.of(FORMAT), await encrypt(key, body, bound(place)));
}

/** Refuses: "record.seal". */
export async function openBody(key: Uint8Array, place: SealedPlace, sealed: Uint8Array): Promise<Uint8Array> {
  if (sealed[0] !== FORMAT) refuse("record.seal", "sealed in an unknown format");
  return decrypt(key, sealed.subarray(1), bound(place));
}

function bound({ owner, id, type, rev }: SealedPlace): Uint8Array {
  return utf8(`udi1|${hex(owner)}|${hex(id)}|${type}|${rev}`);
}

async function encrypt(key: Uint8Array, clear: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE));
  const made = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: new Uint8Array(data) }, await imported(key), new Uint8Array(clear));
  return concat(iv, new Uint8Array(made));
}

async function decrypt(key: Uint8Array, sealed: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
  if (sealed.length < NONCE + 16) refuse("record.seal", "too short");
  const iv = new Uint8Array(sealed.subarray(0, NONCE));
  const asked = { name: "AES-GCM", iv, additionalData: new Uint8Array(data) };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(asked, await imported(key), new Uint8Array(sealed.subarray(NONCE))));
  } catch {
    return refuse("record.seal", "not sealed here, under this key");
  }
}

function imported(key: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", new Uint8Array(key), "AES-GCM", false, ["encrypt", "decrypt"]);
}
