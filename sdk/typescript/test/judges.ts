/** How this SDK answers the questions of the shared vectors. `answer` never throws for a refusal. */

import assert from "node:assert/strict";
import * as udi from "../src/index.js";
import { isList, isObject, type Json, type JsonObject } from "../src/json.js";

const { hex, utf8 } = udi.bytes;

export type Answer = { readonly code: string; readonly found?: JsonObject };

export async function answer(kind: string, group: JsonObject, test: JsonObject): Promise<Answer> {
  const judge = JUDGES[kind];
  if (judge === undefined) throw new Error(`no judge for ${kind}`);
  try {
    return { code: "", found: await judge(group, test) };
  } catch (error) {
    if (error instanceof udi.Refused) return { code: error.code };
    throw error;
  }
}

export function text(value: Json | undefined): string {
  if (typeof value !== "string") throw new TypeError("a text is wanted");
  return value;
}

export function number(value: Json | undefined): number {
  if (typeof value !== "number") throw new TypeError("a number is wanted");
  return value;
}

export function octets(value: Json | undefined): Uint8Array {
  const bytes = udi.bytes.unhex(text(value));
  if (bytes === null) throw new TypeError("hex is wanted");
  return bytes;
}

export function list(value: Json | undefined): readonly Json[] {
  if (!isList(value)) throw new TypeError("a list is wanted");
  return value;
}

export function object(value: Json | undefined): JsonObject {
  if (!isObject(value)) throw new TypeError("an object is wanted");
  return value;
}

/** A value of typed data from its tagged form. */
export function valueOf(tagged: Json | undefined): udi.Value {
  const [entry] = Object.entries(object(tagged));
  if (entry === undefined) throw new TypeError("a tagged value is wanted");
  const [kind, value] = entry;
  if (kind === "int") return BigInt(text(value));
  if (kind === "bytes") return octets(value);
  if (kind === "bool") return value === true;
  if (kind === "list") return list(value).map(valueOf);
  if (kind === "struct") return structOf(object(value));
  return text(value);
}

export function structOf(fields: JsonObject): udi.Struct {
  return Object.fromEntries(Object.entries(fields).map(([name, each]) => [name, valueOf(each)]));
}

export function schemaOf(group: JsonObject): udi.Schema {
  const fields = (value: Json): udi.Field[] => list(value).map(object).map((each) => ({ name: text(each["name"]), type: text(each["type"]) }));
  const types = Object.entries(object(group["types"])).map(([name, each]) => [name, fields(each)] as const);
  return { domain: structOf(object(group["domain"])), types: Object.fromEntries(types) };
}

export function expectedOf(value: Json | undefined): udi.Expected {
  const said = object(value);
  const [domain, uri, nonce, statement] = ["domain", "uri", "nonce", "statement"].map((each) => text(said[each])) as [string, string, string, string];
  return { domain, uri, chain: BigInt(text(said["chain"])), nonce, statement };
}

/** A state as the vectors compare it. */
export function shown(account: udi.Account): JsonObject {
  const { recovery, coming } = account;
  const commitments = (guardians: readonly udi.Guardian[]): Json => guardians.map((each) => each.commitment);
  return {
    account: account.id,
    seq: account.seq,
    head: account.head,
    at: account.at,
    keys: Object.fromEntries(account.keys),
    guardians: commitments(account.guardians),
    coming: coming === null ? null : { guardians: commitments(coming.guardians), from: coming.from },
    frozen: account.frozen,
    recovery: recovery === null ? null : { digest: recovery.digest, key: recovery.key.text, approvals: [...recovery.approvals].sort(), ready: udi.readyAt(recovery) },
    cancels: account.cancels,
    calm: account.calm,
    revokedBefore: account.revokedBefore,
  };
}

function signature(group: JsonObject, test: JsonObject): JsonObject {
  const rpId = group["rpId"];
  const witness = typeof rpId === "string" ? { place: { rpId, origins: list(group["origins"]).map(text) } } : {};
  udi.checkSignature(udi.parseKey(group["key"]), octets(test["digest"]), octets(test["signature"]), witness);
  return {};
}

function events(group: JsonObject, test: JsonObject): JsonObject {
  const schema = udi.schemaOf(text(group["network"]));
  const read = (value: Json | undefined): udi.SignedEvent[] => list(value).map((each) => udi.decodeEvent(utf8(text(each))));
  const [log, then, clock] = [read(group["log"]), read(test["then"]), test["clock"]];
  if (typeof clock !== "number") return shown(udi.replay([...log, ...then], schema));
  let account = log.length > 0 ? udi.replay(log, schema) : null;
  for (const each of then) account = udi.accept(account, each, schema, clock);
  if (account === null) throw new TypeError("an event is wanted");
  return shown(account);
}

function siwe(_: JsonObject, test: JsonObject): JsonObject {
  const said = udi.parseSignIn(utf8(text(test["message"])));
  return { ...said, chain: String(said.chain) };
}

function inclusion(_: JsonObject, test: JsonObject): JsonObject {
  const [index, size] = [BigInt(number(test["index"])), BigInt(number(test["size"]))];
  udi.merkle.checkInclusion({ leaf: octets(test["leaf"]), index, size, proof: list(test["proof"]).map(octets), root: octets(test["root"]) });
  return {};
}

function growth(_: JsonObject, test: JsonObject): JsonObject {
  const [old, size] = [BigInt(number(test["old"])), BigInt(number(test["new"]))];
  const roots = { oldRoot: octets(test["oldRoot"]), root: octets(test["newRoot"]) };
  udi.merkle.checkGrowth({ old, size, ...roots, proof: list(test["proof"]).map(octets) });
  return {};
}

function grant(group: JsonObject, test: JsonObject): JsonObject {
  const signed = udi.decodeGrant(utf8(text(test["document"])));
  assert.equal(new TextDecoder().decode(udi.encodeGrant(signed)), test["document"]);
  return { digest: hex(udi.grantDigest(signed.grant, udi.schemaOf(text(group["network"])))) };
}

function revoke(group: JsonObject, test: JsonObject): JsonObject {
  const signed = udi.decodeRevoke(utf8(text(test["document"])));
  assert.equal(new TextDecoder().decode(udi.encodeRevoke(signed)), test["document"]);
  return { digest: hex(udi.revokeDigest(signed.revoke, udi.schemaOf(text(group["network"])))) };
}

function titles(value: Json | undefined): udi.Titles {
  return Object.fromEntries(Object.entries(object(value)).map(([language, title]) => [language, text(title)]));
}

function consent(group: JsonObject, test: JsonObject): JsonObject {
  const described = Object.entries(object(group["types"])).map(([name, each]): [string, udi.Described] => {
    const said = object(each);
    const fields = list(said["fields"]).map(object).map((field) => ({ titles: titles(field["titles"]), sensitive: field["sensitive"] === true }));
    return [name, { schema: octets(said["schema"]), titles: titles(said["titles"]), fields }];
  });
  const policy = udi.decodePolicy(utf8(text(test["policy"])));
  const shown = udi.consentText(udi.readGrant(test["grant"]), policy, new Map(described), text(test["language"]));
  return { text: shown, hash: hex(udi.textHash(shown)) };
}

const sealedPlace = (test: JsonObject): udi.SealedPlace => ({ owner: octets(test["owner"]), id: octets(test["id"]), type: text(test["type"]), rev: number(test["rev"]) });

async function record(_: JsonObject, test: JsonObject): Promise<JsonObject> {
  const key = await udi.unwrapKey(octets(test["userKey"]), octets(test["wrapped"]));
  return { key: hex(key), body: hex(await udi.openBody(key, sealedPlace(test), octets(test["sealed"]))) };
}

function receipt(group: JsonObject, test: JsonObject): JsonObject {
  const source = test["countersigned"] === true ? octets(group["source"]) : null;
  const made = udi.decodeReceipt(utf8(text(test["document"])), octets(group["recipient"]), source);
  return { leaf: hex(made.leaf), rejected: made.receipt.rejected.length };
}

function manifest(group: JsonObject, test: JsonObject): JsonObject {
  const made = udi.decodeManifest(utf8(text(test["document"])), octets(group["source"]));
  return { root: hex(udi.rootOf(made.chunks)), count: made.count };
}

function chunk(group: JsonObject, test: JsonObject): JsonObject {
  const payload = octets(test["payload"]);
  const items = udi.unpackChunk(payload);
  return { records: items.map(({ id }) => hex(id)), head: hex(udi.chainOf(octets(group["transfer"]), [payload])) };
}

function blobPart(_: JsonObject, test: JsonObject): JsonObject {
  const [item] = udi.unpackChunk(octets(test["payload"]));
  if (item?.type !== udi.BLOB) throw new Error("the case has no part of a blob");
  const part = udi.readBlobPart(item);
  return { digest: hex(part.digest), size: part.size, n: part.n, content: hex(part.content) };
}

async function envelope(group: JsonObject, test: JsonObject): Promise<JsonObject> {
  const payload = await udi.openChunk(octets(test["sealed"]), octets(group["secret"]), octets(group["transfer"]), number(test["n"]));
  return { payload: hex(payload) };
}

function serviceToken(group: JsonObject, test: JsonObject): JsonObject {
  const place = { issuer: octets(group["issuer"]), holder: octets(test["holder"]), now: number(test["now"]) };
  const token = udi.checkServiceToken(utf8(text(test["document"])), udi.readGrant(group["grant"]), place);
  return { scopes: token.scopes.length, until: token.until };
}

function signedRequest(_: JsonObject, test: JsonObject): JsonObject {
  const body = test["body"] === null ? undefined : octets(test["body"]);
  const request = { method: text(test["method"]), authority: text(test["authority"]), path: text(test["path"]), body };
  const headers = Object.fromEntries(Object.entries(object(test["headers"])).map(([name, value]) => [name, text(value)]));
  return { key: hex(udi.checkRequest(request, headers, number(test["now"]))) };
}

async function archive(group: JsonObject, test: JsonObject): Promise<JsonObject> {
  const opened = udi.Archive.open(octets(test["archive"]));
  if (hex(opened.signer) !== group["key"]) throw new udi.Refused("archive.signature", "another vault's");
  const apps = [...opened.apps.keys()].map(async (app) => {
    const records = (await opened.records(app)).map(({ id }) => id);
    return [app, { records, blobs: [...opened.blobs(app).keys()].sort() }] as const;
  });
  return { apps: Object.fromEntries(await Promise.all(apps)) };
}

const JUDGES: Readonly<Record<string, (group: JsonObject, test: JsonObject) => JsonObject | Promise<JsonObject>>> = {
  JcsWrite: (_, test) => ({ canonical: udi.canonical.spell(test["value"] ?? null) }),
  JcsRead: (_, test) => {
    udi.canonical.decode(octets(test["bytes"]), number(test["limit"]));
    return {};
  },
  Digest: (group, test) => {
    const value = structOf(object(object(test["value"])["struct"]));
    return { digest: hex(udi.typedDigest(schemaOf(group), text(group["primaryType"]), value)) };
  },
  Network: (_, test) => {
    const salt = udi.schemaOf(text(test["network"])).domain["salt"];
    return { salt: salt instanceof Uint8Array ? hex(salt) : "" };
  },
  Key: (_, test) => {
    udi.parseKey(test["key"]);
    return {};
  },
  Eoa: signature,
  Device: signature,
  Passkey: signature,
  SiweParse: siwe,
  SiweVerify: (group, test) => {
    udi.checkSignIn(utf8(text(test["message"])), octets(test["signature"]), expectedOf(group["expected"]), number(test["now"]));
    return {};
  },
  KeyEvents: events,
  Selector: (_, test) => {
    const made = udi.parseSelector(test["selector"]);
    assert.equal(udi.spellSelector(made), test["selector"]);
    return {};
  },
  Selects: (_, test) => ({ selects: udi.selects(udi.parseSelector(test["selector"]), test["record"] ?? null, number(test["changed"])) }),
  SelectorWithin: (_, test) => ({ within: udi.isSelectorWithin(udi.parseSelector(test["one"]), udi.parseSelector(test["other"])) }),
  Grant: grant,
  Revoke: revoke,
  ReleasePolicy: (_, test) => ({ hash: hex(udi.policyHash(udi.decodePolicy(utf8(text(test["document"]))))) }),
  Consent: consent,
  Record: record,
  Chunk: chunk,
  BlobPart: blobPart,
  Manifest: manifest,
  Receipt: receipt,
  Erasure: (group, test) => {
    udi.checkErasure(utf8(text(test["document"])), octets(group["key"]));
    return {};
  },
  Envelope: envelope,
  ServiceToken: serviceToken,
  SignedRequest: signedRequest,
  Number: (_, test) => ({ bytes: udi.readNumber(text(test["text"])).length }),
  Archive: archive,
  Pairwise: (_, test) => ({ id: hex(udi.pairwise(octets(test["secret"]), text(test["app"]))) }),
  Inclusion: inclusion,
  Consistency: growth,
};
export const KINDS: readonly string[] = Object.keys(JUDGES);
