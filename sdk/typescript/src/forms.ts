/** The documents that people sign. Source: UDI/1, "Signed documents". */

import { sha256 } from "@noble/hashes/sha2.js";
import { utf8 } from "./bytes.js";
import { refuse } from "./errors.js";
import type { Schema, Types } from "./typed-data.js";

const NETWORK = /^[a-z0-9][a-z0-9.:-]{0,63}$/;

const TYPES: Types = {
  KeyEvent: [
    { name: "account", type: "bytes32" },
    { name: "seq", type: "uint64" },
    { name: "prior", type: "bytes32" },
    { name: "kind", type: "string" },
    { name: "body", type: "string" },
    { name: "at", type: "uint64" },
  ],
};

/** The types in the domain of a network. Refuses: "network.form". */
export function schemaOf(network: string): Schema {
  if (!NETWORK.test(network)) refuse("network.form", "not a name of a network");
  const salt = sha256(utf8(`udi/1|${network}`));
  return { domain: { name: "CyberPrivacy UDI", version: "1", salt }, types: TYPES };
}
