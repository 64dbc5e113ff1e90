/** Under which id an application knows an account. Source: UDI/1, "Pairwise ids". */

import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8 } from "./bytes.js";
import { refuse } from "./errors.js";

/** The id, 32 bytes. Refuses: "pairwise.secret". */
export function pairwise(secret: Uint8Array, application: string): Uint8Array {
  if (secret.length !== 32) refuse("pairwise.secret", "a secret has 32 bytes");
  return hmac(sha256, secret, utf8(`udi/1 app\0${application}`));
}
