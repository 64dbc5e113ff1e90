/** Devices. Source: UDI/1, "Keys", "Devices". */

import { ed25519 } from "@noble/curves/ed25519.js";
import { concat, utf8 } from "./bytes.js";
import { verifies } from "./ed25519.js";
import { refuse } from "./errors.js";

const TAG = utf8("udi/1 ed25519\0");

/** Whether a device signed a digest. Refuses: "signature.form". */
export function signedByDevice(material: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) refuse("signature.form", "not 64 bytes");
  return verifies(material, tagged(digest), signature);
}

/** Sign a digest as a device whose secret has 32 bytes. */
export function signAsDevice(secret: Uint8Array, digest: Uint8Array): Uint8Array {
  return ed25519.sign(tagged(digest), secret);
}

/** What a device really signs for a digest, so that its key is of no use elsewhere. */
export function tagged(digest: Uint8Array): Uint8Array {
  return concat(TAG, digest);
}
