/** The receipt of an erasure. Source: UDI/1, "Receipts of erasures". */

import { hex } from "./bytes.js";
import { decode } from "./canonical.js";
import { signedDocument } from "./ed25519.js";
import { refuse } from "./errors.js";
import { isObject, type JsonObject } from "./json.js";
import { readers } from "./reading.js";

/** What a receipt says, if this key signed it. Refuses: "json.form", "receipt.form", "receipt.signature". */
export function checkErasure(document: Uint8Array, key: Uint8Array): JsonObject {
  const read = readers("receipt.form");
  const value = read.object(decode(document, 1 << 20), "key", "receipt", "signature");
  const named = read.octets(value["key"], 32);
  const signature = read.text(value["signature"], /^[0-9a-f]{128}$/);
  const said = value["receipt"];
  if (!isObject(said)) return read.bad("a receipt");
  const signed = hex(named) === hex(key) && signedDocument("udi/1 erasure", said, signature, key);
  return signed ? said : refuse("receipt.signature", "not signed by this key");
}
