/** A part of a grant for five minutes, for one service of the recipient. Source: UDI/1, "Service tokens". */

import { hex, same } from "./bytes.js";
import { decode } from "./canonical.js";
import { signedDocument } from "./ed25519.js";
import { refuse } from "./errors.js";
import type { Grant } from "./grant.js";
import { readers } from "./reading.js";
import { isScopeWithin, readScopes, type Scope } from "./scope.js";

export interface ServiceToken {
  readonly grant: Uint8Array;
  readonly scopes: readonly Scope[];
  /** Ed25519 key of the service. */
  readonly holder: Uint8Array;
  readonly since: number;
  readonly until: number;
}

/** Who stands behind a token, who has signed the request that it came with, and when that is (POSIX seconds). */
export interface TokenPlace {
  readonly issuer: Uint8Array;
  readonly holder: Uint8Array;
  readonly now: number;
}

const LARGEST = 32 << 10;
const LONGEST = 300;
const SKEW = 120;
const LATEST = 2 ** 53;
const SIGNATURE = /^[0-9a-f]{128}$/;

/**
 * The token, if it counts now; whether its grant does is asked apart.
 *
 * Refuses: "json.form", "token.form", "scope.form", "selector.form", "token.long", "token.signature", "token.grant",
 * "token.wider", "token.holder", "token.time".
 */
export function checkServiceToken(bytes: Uint8Array, grant: Grant, { issuer, holder, now }: TokenPlace): ServiceToken {
  const read = readers("token.form");
  const value = read.object(decode(bytes, LARGEST), "token", "signature");
  const signature = read.text(value["signature"], SIGNATURE);
  const said = read.object(value["token"], "grant", "holder", "scopes", "since", "until");
  const token = {
    grant: read.octets(said["grant"], 16),
    scopes: readScopes(said["scopes"]),
    holder: read.octets(said["holder"], 32),
    since: read.whole(said["since"], 0, LATEST),
    until: read.whole(said["until"], 0, LATEST),
  };
  const seconds = token.until - token.since;
  if (seconds < 1 || seconds > LONGEST) refuse("token.long", "a token lasts five minutes at most");
  if (!signedDocument("udi/1 service-token", said, signature, issuer)) refuse("token.signature", "not signed by the recipient");
  if (!same(token.grant, grant.id)) refuse("token.grant", `of grant ${hex(token.grant)}`);
  const within = token.scopes.every((each) => grant.scopes.some((whole) => isScopeWithin(each, whole)));
  if (!within) refuse("token.wider", "it allows more than its grant");
  if (!same(token.holder, holder)) refuse("token.holder", "somebody else's token");
  if (now < token.since - SKEW || now >= token.until) refuse("token.time", "the token does not count now");
  return token;
}
