/** The documents that people sign. Source: UDI/1, "Signed documents". */

import { sha256 } from "@noble/hashes/sha2.js";
import { utf8 } from "./bytes.js";
import { refuse } from "./errors.js";
import type { Field, Schema, Types } from "./typed-data.js";

const NETWORK = /^[a-z0-9][a-z0-9.:-]{0,63}$/;

/** Fields of a structure as the specification writes them. */
function fields(text: string): Field[] {
  return text.split(",").map((each) => {
    const [type = "", name = ""] = each.split(" ");
    return { name, type };
  });
}

const TYPES: Types = {
  KeyEvent: fields("bytes32 account,uint64 seq,bytes32 prior,string kind,string body,uint64 at"),
  SignIn: fields("string uri,string statement,string nonce"),
  Party: fields("string app,bytes32 cluster,bytes32 policy,bytes32 account"),
  Scope: fields("string dataType,string[] actions,string selector,bytes32 schema"),
  Grant: fields(
    "bytes16 id,bytes32 subject,uint64 kelSeq,Party source,Party recipient,Scope[] scopes,string purpose,uint8 mode," +
      "uint32 maxUses,uint64 notBefore,uint64 expires,uint64 retention,uint8 onward,bytes32 textHash,bytes32 nonce",
  ),
  Revoke: fields("bytes16 grant,bytes32 subject,uint64 kelSeq,uint64 at,uint8 erase,bytes32 nonce"),
};

/** The types in the domain of a network. Refuses: "network.form". */
export function schemaOf(network: string): Schema {
  if (!NETWORK.test(network)) refuse("network.form", "not a name of a network");
  const salt = sha256(utf8(`udi/1|${network}`));
  return { domain: { name: "CyberPrivacy UDI", version: "1", salt }, types: TYPES };
}
