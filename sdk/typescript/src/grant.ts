/** What a person allows, and how they take it back. Source: UDI/1, "Grants". */

import { hex, unhex } from "./bytes.js";
import { decode, encode } from "./canonical.js";
import { refuse } from "./errors.js";
import { hasOnly, isObject, type Json, type JsonObject } from "./json.js";
import { type Key, parseKey } from "./key.js";
import { APP, readers } from "./reading.js";
import { readScopes, type Scope, scopeJson, scopeStruct } from "./scope.js";
import { LAST } from "./selector.js";
import { digest, type Schema, type Struct } from "./typed-data.js";

/** An application at a place, and the person as it knows them. */
export interface Party {
  readonly app: string;
  readonly cluster: Uint8Array;
  readonly policy: Uint8Array;
  readonly account: Uint8Array;
}

/** 0: one copy; 1: standing; 2: the records move. */
export type Mode = 0 | 1 | 2;

export interface Grant {
  readonly id: Uint8Array;
  readonly subject: Uint8Array;
  readonly kelSeq: number;
  readonly source: Party;
  readonly recipient: Party;
  readonly scopes: readonly Scope[];
  readonly purpose: string;
  readonly mode: Mode;
  readonly maxUses: number;
  readonly notBefore: number;
  readonly expires: number;
  readonly retention: number;
  readonly onward: number;
  readonly textHash: Uint8Array;
  readonly nonce: Uint8Array;
}

export interface Revoke {
  readonly grant: Uint8Array;
  readonly subject: Uint8Array;
  readonly kelSeq: number;
  readonly at: number;
  readonly erase: 0 | 1;
  readonly nonce: Uint8Array;
}

/** A signature over a document; a guardian who cosigns shows the salt. */
export interface Proof {
  readonly key: Key;
  readonly signature: Uint8Array;
  readonly guardian?: Uint8Array;
}

export interface SignedGrant {
  readonly grant: Grant;
  readonly proof: Proof;
  readonly cosigned?: Proof;
}

export interface SignedRevoke {
  readonly revoke: Revoke;
  readonly proof: Proof;
}

const GRANT = "urn:udi:grant:1";
const REVOKE = "urn:udi:revoke:1";
const LARGEST = 64 << 10;
const DAY = 86_400;
const UINT32 = 2 ** 32 - 1;
const read = readers("grant.form");

export function grantDigest(grant: Grant, schema: Schema): Uint8Array {
  return digest(schema, "Grant", grantStruct(grant));
}

export function revokeDigest(revoke: Revoke, schema: Schema): Uint8Array {
  return digest(schema, "Revoke", revokeStruct(revoke));
}

/** The structure that is signed. */
export function grantStruct(grant: Grant): Struct {
  return {
    ...grant,
    kelSeq: BigInt(grant.kelSeq),
    source: { ...grant.source },
    recipient: { ...grant.recipient },
    scopes: grant.scopes.map(scopeStruct),
    mode: BigInt(grant.mode),
    maxUses: BigInt(grant.maxUses),
    notBefore: BigInt(grant.notBefore),
    expires: BigInt(grant.expires),
    retention: BigInt(grant.retention),
    onward: BigInt(grant.onward),
  };
}

export function revokeStruct(revoke: Revoke): Struct {
  return { ...revoke, kelSeq: BigInt(revoke.kelSeq), at: BigInt(revoke.at), erase: BigInt(revoke.erase) };
}

/** The bytes in which a grant travels. */
export function encodeGrant({ grant, proof, cosigned }: SignedGrant): Uint8Array {
  const fields = { ...grant, source: partyJson(grant.source), recipient: partyJson(grant.recipient), scopes: grant.scopes.map(scopeJson) };
  const signed = { type: GRANT, grant: inHex(fields), proof: proofJson(proof) };
  return encode(cosigned === undefined ? signed : { ...signed, cosigned: proofJson(cosigned) });
}

export function encodeRevoke({ revoke, proof }: SignedRevoke): Uint8Array {
  return encode({ type: REVOKE, revoke: inHex({ ...revoke }), proof: proofJson(proof) });
}

/** Refuses: "grant.*", "json.form", "scope.form", "selector.form", "proof.form", "key.form", "passkey.key". */
export function decodeGrant(bytes: Uint8Array): SignedGrant {
  const value = envelope(bytes, GRANT, "grant");
  const [grant, proof] = [readGrant(value["grant"]), readProof(value["proof"])];
  return Object.hasOwn(value, "cosigned") ? { grant, proof, cosigned: readProof(value["cosigned"]) } : { grant, proof };
}

/** Refuses as `decodeGrant`. */
export function decodeRevoke(bytes: Uint8Array): SignedRevoke {
  const value = envelope(bytes, REVOKE, "revoke");
  return { revoke: readRevoke(value["revoke"]), proof: readProof(value["proof"]) };
}

function envelope(bytes: Uint8Array, type: string, name: string): JsonObject {
  if (bytes.length > LARGEST) refuse("grant.size", `larger than ${LARGEST} bytes`);
  const value = decode(bytes, LARGEST);
  const names = [name, "proof", "type"];
  const fits = isObject(value) && value["type"] === type;
  if (!fits) return read.bad(type);
  const cosigned = name === "grant" && hasOnly(value, ...names, "cosigned");
  return cosigned || hasOnly(value, ...names) ? value : read.bad(type);
}

/** A grant from its JSON values, in the order of its fields. */
export function readGrant(value: Json | undefined): Grant {
  const said = read.object(value, ...FIELDS);
  const grant: Grant = {
    id: read.octets(said["id"], 16),
    subject: read.octets(said["subject"], 32),
    kelSeq: read.whole(said["kelSeq"], 0, UINT32),
    source: readParty(said["source"]),
    recipient: readParty(said["recipient"]),
    scopes: readScopes(said["scopes"]),
    purpose: read.plain(said["purpose"]),
    mode: MODES[read.whole(said["mode"], 0, 2)] ?? read.bad("a mode"),
    maxUses: read.whole(said["maxUses"], 0, UINT32),
    notBefore: read.whole(said["notBefore"], 0, LAST),
    expires: read.whole(said["expires"], 0, LAST),
    retention: read.whole(said["retention"], 0, 100 * 366 * DAY),
    onward: read.whole(said["onward"], 0, 255),
    textHash: read.octets(said["textHash"], 32),
    nonce: read.octets(said["nonce"], 32),
  };
  checkTogether(grant);
  return grant;
}

const MODES: readonly Mode[] = [0, 1, 2];
const FIELDS = [
  ...["id", "subject", "kelSeq", "source", "recipient", "scopes", "purpose", "mode"],
  ...["maxUses", "notBefore", "expires", "retention", "onward", "textHash", "nonce"],
];

function checkTogether({ onward, notBefore, expires, mode, maxUses, scopes }: Grant): void {
  if (onward !== 0) refuse("grant.onward", "nothing is handed on in this version");
  if (notBefore >= expires) read.bad("a time that ends after it begins");
  if (expires - notBefore > 180 * DAY) refuse("grant.long", "a grant lasts 180 days at most");
  const onlyReads = scopes.every(({ actions }) => actions.length === 1 && actions[0] === "read");
  if (mode !== 1 && (maxUses !== 1 || !onlyReads)) read.bad("one use that reads");
  if (mode === 1 && maxUses === 0 && scopes.some(({ actions }) => actions.includes("delete"))) read.bad("a count of deleting");
}

function readRevoke(value: Json | undefined): Revoke {
  const said = read.object(value, "grant", "subject", "kelSeq", "at", "erase", "nonce");
  return {
    grant: read.octets(said["grant"], 16),
    subject: read.octets(said["subject"], 32),
    kelSeq: read.whole(said["kelSeq"], 0, UINT32),
    at: read.whole(said["at"], 1, LAST),
    erase: read.whole(said["erase"], 0, 1) === 1 ? 1 : 0,
    nonce: read.octets(said["nonce"], 32),
  };
}

function readParty(value: Json | undefined): Party {
  const said = read.object(value, "app", "cluster", "policy", "account");
  return {
    app: read.text(said["app"], APP),
    cluster: read.octets(said["cluster"], 32),
    policy: read.octets(said["policy"], 32),
    account: read.octets(said["account"], 32),
  };
}

function readProof(value: Json | undefined): Proof {
  const bad = (): never => refuse("proof.form", "not a proof");
  if (!isObject(value) || !(hasOnly(value, "key", "signature") || hasOnly(value, "key", "signature", "guardian"))) return bad();
  const { key, signature, guardian } = value;
  if (typeof key !== "string" || typeof signature !== "string") return bad();
  const salt = guardian === undefined ? undefined : typeof guardian === "string" ? unhex(guardian) : null;
  if (salt !== undefined && salt?.length !== 32) return bad();
  const [signer, octets] = [parseKey(key), unhex(signature)];
  if (octets === null || octets.length < 1 || octets.length > 8_192) return bad();
  return salt === undefined ? { key: signer, signature: octets } : { key: signer, signature: octets, guardian: salt };
}

function proofJson({ key, signature, guardian }: Proof): JsonObject {
  const said = { key: key.text, signature: hex(signature) };
  return guardian === undefined ? said : { ...said, guardian: hex(guardian) };
}

function partyJson(party: Party): JsonObject {
  return inHex({ ...party });
}

function inHex(fields: Readonly<Record<string, Json | Uint8Array>>): JsonObject {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value instanceof Uint8Array ? hex(value) : value]));
}
