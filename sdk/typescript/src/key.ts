/** Keys of a person, in their one spelling, and what they sign. Source: UDI/1, "Keys". */

import { hex, same, unhex } from "./bytes.js";
import { signedByDevice } from "./device.js";
import { isOneSpelling } from "./ed25519.js";
import { refuse } from "./errors.js";
import { recover } from "./ethereum.js";
import { checkAssertion, isPoint, type Place } from "./passkey.js";

const SIZES = { "eip155-eoa": 20, eip1271: 28, "webauthn-p256": 33, "ed25519-device": 32 } as const;
export type KeyKind = keyof typeof SIZES;

export interface Key {
  /** Its identity. */
  readonly text: string;
  readonly kind: KeyKind;
  readonly material: Uint8Array;
}

/** What is known where signatures are checked; kinds of keys that need more are not enabled there. */
export interface Witness {
  readonly place?: Place;
}

/** The key of a text. Refuses: "key.form", "passkey.key". */
export function parseKey(text: unknown): Key {
  if (typeof text !== "string") return refuse("key.form", "not a key");
  const colon = text.indexOf(":");
  const kind = text.slice(0, Math.max(colon, 0));
  const material = unhex(text.slice(colon + 1));
  if (!isKind(kind) || material === null || material.length !== SIZES[kind]) return refuse("key.form", "not a key");
  if (kind === "webauthn-p256" && !isPoint(material)) refuse("passkey.key", "not a point of P-256");
  if (kind === "ed25519-device" && !isOneSpelling(material)) refuse("key.form", "a second spelling");
  return { text, kind, material };
}

/** The key of an Ethereum address of 20 bytes. */
export function keyOfAddress(address: Uint8Array): Key {
  return parseKey(`eip155-eoa:${hex(address)}`);
}

/** Refuse unless a key signed a digest. Refuses: "key.signer", "key.disabled", "signature.*", "passkey.*", "json.form". */
export function checkSignature(key: Key, digest: Uint8Array, signature: Uint8Array, witness: Witness = {}): void {
  switch (key.kind) {
    case "eip155-eoa":
      if (!same(recover(digest, signature), key.material)) refuse("key.signer", "not signed by this key");
      return;
    case "ed25519-device":
      if (!signedByDevice(key.material, digest, signature)) refuse("key.signer", "not signed by this key");
      return;
    case "webauthn-p256":
      if (witness.place === undefined) return refuse("key.disabled", "passkeys are not enabled here");
      checkAssertion(key.material, digest, signature, witness.place);
      return;
    case "eip1271":
      refuse("key.disabled", "contract wallets are asked on their chain, by a server");
  }
}

function isKind(kind: string): kind is KeyKind {
  return Object.hasOwn(SIZES, kind);
}
