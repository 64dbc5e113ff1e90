/** Passkeys: an assertion that its owner agreed to one digest, here. Source: UDI/1, "Passkeys", which numbers the steps. */

import { p256 } from "@noble/curves/nist.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { base64url, concat, hex, same, unhex, utf8 } from "./bytes.js";
import { decode, encode } from "./canonical.js";
import { refuse } from "./errors.js";
import { hasOnly, isObject, type JsonObject, parse, text } from "./json.js";

/** Where passkeys are used: a domain, and the exact web origins that may ask. */
export interface Place {
  readonly rpId: string;
  readonly origins: readonly string[];
}

/** What `navigator.credentials.get()` returns. */
export interface Assertion {
  readonly authenticatorData: Uint8Array;
  readonly clientData: Uint8Array;
  readonly signature: Uint8Array;
}

const [UP, UV, BE, BS] = [0x01, 0x04, 0x08, 0x10];

/** Whether 33 bytes are a point of P-256. */
export function isPoint(material: Uint8Array): boolean {
  try {
    p256.Point.fromBytes(material);
    return material.length === 33;
  } catch {
    return false;
  }
}

/** An assertion as the bytes of one signature. */
export function encodeAssertion(assertion: Assertion): Uint8Array {
  return encode({
    authenticatorData: hex(assertion.authenticatorData),
    clientDataJSON: hex(assertion.clientData),
    signature: hex(assertion.signature),
  });
}

/** Refuse unless the owner of a passkey agreed. Refuses: "json.form", "passkey.*". */
export function checkAssertion(material: Uint8Array, digest: Uint8Array, proof: Uint8Array, place: Place): void {
  const { authenticatorData, clientData, signature } = decodeAssertion(proof);
  if (authenticatorData.length !== 37) refuse("passkey.form", "authenticator data has 37 bytes");
  if (clientData.length > 2_048) refuse("passkey.form", "client data is too large");
  if (signature.length < 8 || signature.length > 72) refuse("passkey.form", "a signature has 8 to 72 bytes");
  checkClientData(readClientData(clientData), digest, place);
  checkAuthenticatorData(authenticatorData, place);
  const signed = concat(authenticatorData, sha256(clientData));
  if (!verifies(material, signed, signature)) refuse("passkey.signature", "not signed by this passkey");
}

function decodeAssertion(proof: Uint8Array): Assertion {
  const value = decode(proof, 8_192);
  if (!isObject(value) || !hasOnly(value, "authenticatorData", "clientDataJSON", "signature")) {
    return refuse("passkey.form", "not an assertion");
  }
  const octets = (name: string): Uint8Array => {
    const found = value[name];
    const bytes = typeof found === "string" ? unhex(found) : null;
    if (bytes === null || bytes.length < 1 || bytes.length > 4_096) return refuse("passkey.form", `${name} is not hex`);
    return bytes;
  };
  return {
    authenticatorData: octets("authenticatorData"),
    clientData: octets("clientDataJSON"),
    signature: octets("signature"),
  };
}

function readClientData(bytes: Uint8Array): JsonObject {
  const source = text(bytes) ?? refuse("passkey.form", "client data is not UTF-8");
  try {
    const value = parse(source, 4);
    if (isObject(value)) return value;
  } catch {
    // Refused below: what exactly is wrong with it helps nobody.
  }
  return refuse("passkey.form", "client data is no JSON object of our depth, or a name stands twice");
}

function checkClientData(said: JsonObject, digest: Uint8Array, place: Place): void {
  const get = (name: string): unknown => (Object.hasOwn(said, name) ? said[name] : undefined);
  if (get("type") !== "webauthn.get") refuse("passkey.form", "not an assertion");
  if (get("challenge") !== base64url(digest)) refuse("passkey.challenge", "the owner agreed to something else");
  const origin = get("origin");
  if (typeof origin !== "string" || !place.origins.includes(origin)) refuse("passkey.origin", "asked elsewhere");
  const crossed = get("crossOrigin");
  if ((crossed !== undefined && crossed !== false) || Object.hasOwn(said, "topOrigin")) {
    refuse("passkey.origin", "asked inside a frame");
  }
}

function checkAuthenticatorData(data: Uint8Array, place: Place): void {
  if (!same(data.subarray(0, 32), sha256(utf8(place.rpId)))) refuse("passkey.rp", "a passkey of another domain");
  const flags = data[32] ?? 0;
  if ((flags & UP) === 0 || (flags & UV) === 0) refuse("passkey.user", "nobody was present and verified");
  const backedUpOnly = (flags & BS) !== 0 && (flags & BE) === 0;
  if ((flags & ~(UP | UV | BE | BS)) !== 0 || backedUpOnly) refuse("passkey.flags", "flags that contradict the rest");
}

function verifies(material: Uint8Array, signed: Uint8Array, signature: Uint8Array): boolean {
  try {
    return p256.verify(signature, signed, material, { format: "der", lowS: false, prehash: true });
  } catch {
    return false;
  }
}
