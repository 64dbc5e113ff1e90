/** The form of encrypted numbers; their meaning is for whoever has the key. Source: UDI/1, "Encrypted numbers". */

import { same, unbase64url } from "./bytes.js";
import { refuse } from "./errors.js";

const LARGEST = 96 << 10;
const LONGEST = Math.ceil((LARGEST * 4) / 3);
const START = Uint8Array.of(0x0a, 0x01, 0x01, 0x12);
const HEADER = 16;
const SEAL = Uint8Array.of(0x5e, 0xa1, 0x10, 0x04);
const MODES = [1, 2];

/** The ciphertext that stands in a record. Refuses: "number.form". */
export function readNumber(text: string): Uint8Array {
  const bytes = text.length <= LONGEST ? unbase64url(text) : null;
  if (bytes === null || bytes.length > LARGEST) return refuse("number.form", "not a ciphertext in base64url");
  const object = objectOf(bytes);
  const [mode, reserved, stated] = [object[5] ?? 0, object.subarray(6, 8), object.subarray(8, HEADER)];
  if (object.length <= HEADER || !same(object.subarray(0, 4), SEAL) || !MODES.includes(mode) || reserved.some((each) => each > 0)) {
    refuse("number.form", "not a ciphertext of one number of this scheme");
  }
  const size = stated.reduceRight((value, byte) => value * 256 + byte, 0);
  if (size !== object.length) refuse("number.form", "a ciphertext is cut, or something follows it");
  return bytes;
}

/** The one object of a vector of one slot. Source: Protocol Buffers, "Encoding". */
function objectOf(bytes: Uint8Array): Uint8Array {
  const rest = bytes.subarray(START.length);
  const length = same(bytes.subarray(0, START.length), START) ? rest.findIndex((each) => each < 128) + 1 : 0;
  if (length < 1 || length > 3) refuse("number.form", "not a vector of one number");
  const stated = rest.subarray(0, length).reduceRight((value, byte) => value * 128 + (byte & 127), 0);
  const object = rest.subarray(length);
  if (stated !== object.length || (length > 1 && rest[length - 1] === 0)) refuse("number.form", "another length");
  return object;
}
