/**
 * Makes every positive case of the shared vectors anew and compares: `npm run vectors`.
 *
 * What goes in is read, what comes out (canonical bytes, digests, signatures, ids, proofs) is made here from the
 * specification and must be the same, byte for byte. Exit code 1 if one is not.
 */

import { createCipheriv } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { sha256 } from "@noble/hashes/sha2.js";
import * as udi from "../src/index.js";
import type { Json, JsonObject } from "../src/json.js";
import { leafHash, nodeHash } from "../src/merkle.js";
import { groups } from "../test/files.js";
import { answer, expectedOf, list, number, object, octets, shown, text } from "../test/judges.js";
import { archived, envelope, numbered, resigned, serviceToken, signedRequest } from "./carried.js";

const { big, concat, hex, unbig, utf8 } = udi.bytes;

/** What a case should hold, by name: compared with what it holds. */
type Made = JsonObject;
type Maker = (group: JsonObject, test: JsonObject) => Made | Promise<Made>;

const judged: (kind: string) => Maker = (kind) => async (group, test) => ({ found: (await answer(kind, group, test)).found ?? null });

function eoa(group: JsonObject, test: JsonObject): Made {
  const secret = octets(group["secret"]);
  const key = udi.keyOfAddress(udi.addressOf(secret)).text;
  return { key, signature: hex(udi.signDigest(secret, octets(test["digest"]))) };
}

function device(group: JsonObject, test: JsonObject): Made {
  return { signature: hex(udi.signAsDevice(octets(group["secret"]), octets(test["digest"]))) };
}

/** Deterministic ECDSA (RFC 6979); one case has s in the other half, on purpose. */
function passkey(group: JsonObject, test: JsonObject): Made {
  const proof = object(JSON.parse(new TextDecoder().decode(octets(test["signature"]))) as Json);
  const [authenticatorData, clientData] = [octets(proof["authenticatorData"]), octets(proof["clientDataJSON"])];
  const signed = concat(authenticatorData, sha256(clientData));
  const made = p256.sign(signed, octets(group["secret"]), { lowS: false, format: "compact" });
  const [r, s] = [unbig(made.subarray(0, 32)), unbig(made.subarray(32))];
  const turned = text(test["comment"]) === "s in the other half";
  const signature = new p256.Signature(r, turned ? p256.Point.Fn.ORDER - s : s).toBytes("der");
  const key = `webauthn-p256:${hex(p256.getPublicKey(octets(group["secret"]), true))}`;
  return { key, signature: hex(udi.encodeAssertion({ authenticatorData, clientData, signature })) };
}

/** A message with the same fields; its times are written in Greenwich, so fields are compared, not bytes. */
async function parsed(_: JsonObject, test: JsonObject): Promise<Made> {
  const said = object(test["found"]);
  const time = (at: Json | undefined): string => {
    const stamp = new Date(number(at) * 1_000).toISOString();
    return `${stamp.slice(0, 19)}Z`;
  };
  const maybe = (label: string, value: Json | undefined, how: (value: Json | undefined) => string): string =>
    value === null ? "" : `\n${label}${how(value)}`;
  const lines = [
    `${said["scheme"] === "" ? "" : `${text(said["scheme"])}://`}${text(said["domain"])} wants you to sign in with your Ethereum account:`,
    `${text(said["address"])}\n${said["statement"] === null ? "" : `\n${text(said["statement"])}`}\n`,
    `URI: ${text(said["uri"])}\nVersion: 1\nChain ID: ${text(said["chain"])}\nNonce: ${text(said["nonce"])}`,
    `Issued At: ${time(said["issued"])}${maybe("Expiration Time: ", said["expires"], time)}` +
      `${maybe("Not Before: ", said["begins"], time)}${maybe("Request ID: ", said["request"], text)}` +
      maybe("Resources:", said["resources"], (value) => list(value).map((each) => `\n- ${text(each)}`).join("")),
  ];
  return { found: (await answer("SiweParse", {}, { message: lines.join("\n") })).found ?? null };
}

function signedIn(group: JsonObject, test: JsonObject): Made {
  const secret = octets(group["secret"]);
  const made: Record<string, Json> = {
    address: udi.checksummed(udi.addressOf(secret)),
    signature: hex(udi.signDigest(secret, udi.personalDigest(utf8(text(test["message"]))))),
  };
  if (text(test["comment"]) === "just now") {
    made["message"] = udi.writeSignIn(expectedOf(group["expected"]), udi.addressOf(secret), number(test["now"]));
  }
  return made;
}

/** Links and signs every event again. */
function events(group: JsonObject, test: JsonObject): Made {
  const schema = udi.schemaOf(text(group["network"]));
  const secrets = object(group["secrets"]);
  let account: udi.Account | null = null;
  const remade = [...list(group["log"]), ...list(test["then"])].map((each) => {
    const { event, key } = udi.decodeEvent(utf8(text(each)));
    const linked = { ...event, account: account?.id ?? udi.NOTHING, seq: account === null ? 0 : account.seq + 1, prior: account?.head ?? udi.NOTHING };
    const digest = udi.typedDigest(schema, "KeyEvent", udi.structOf(linked));
    const secret = octets(secrets[key.text]);
    const signature = key.kind === "ed25519-device" ? udi.signAsDevice(secret, digest) : udi.signDigest(secret, digest);
    account = udi.advance(account, linked, key, hex(digest));
    return new TextDecoder().decode(udi.encodeEvent({ event: linked, key, signature }));
  });
  const log = list(group["log"]).length;
  return { log: remade.slice(0, log), then: remade.slice(log), found: account === null ? null : shown(account) };
}

/** Signs again by whoever signed, and writes again. */
function signed(group: JsonObject, digest: Uint8Array, proof: udi.Proof): udi.Proof {
  const secret = octets(object(group["secrets"])[proof.key.text]);
  const device = proof.key.kind === "ed25519-device";
  return { ...proof, signature: device ? udi.signAsDevice(secret, digest) : udi.signDigest(secret, digest) };
}

function granted(group: JsonObject, test: JsonObject): Made {
  const { grant, proof, cosigned } = udi.decodeGrant(utf8(text(test["document"])));
  const digest = udi.grantDigest(grant, udi.schemaOf(text(group["network"])));
  const first = { grant, proof: signed(group, digest, proof) };
  const both = cosigned === undefined ? first : { ...first, cosigned: signed(group, digest, cosigned) };
  return { document: new TextDecoder().decode(udi.encodeGrant(both)), found: { digest: hex(digest) } };
}

function revoked(group: JsonObject, test: JsonObject): Made {
  const { revoke, proof } = udi.decodeRevoke(utf8(text(test["document"])));
  const digest = udi.revokeDigest(revoke, udi.schemaOf(text(group["network"])));
  const document = udi.encodeRevoke({ revoke, proof: signed(group, digest, proof) });
  return { document: new TextDecoder().decode(document), found: { digest: hex(digest) } };
}

function policy(_: JsonObject, test: JsonObject): Made {
  const made = udi.decodePolicy(utf8(text(test["document"])));
  return { document: new TextDecoder().decode(udi.encodePolicy(made)), found: { hash: hex(udi.policyHash(made)) } };
}

function manifest(group: JsonObject, test: JsonObject): Made {
  const value = object(JSON.parse(text(test["document"])) as Json);
  const signature = resigned("udi/1 manifest", value["manifest"] ?? null, group["sourceSecret"]);
  return { document: udi.canonical.spell({ ...value, signature }) };
}

function receipt(group: JsonObject, test: JsonObject): Made {
  const value = object(JSON.parse(text(test["document"])) as Json);
  const said = { receipt: value["receipt"] ?? null, salt: value["salt"] ?? null };
  const made = { ...said, signature: resigned("udi/1 receipt", said, group["recipientSecret"]) };
  const countersignature = resigned("udi/1 receipt countersigned", said, group["sourceSecret"]);
  return { document: udi.canonical.spell("countersignature" in value ? { ...made, countersignature } : made) };
}

function erasure(group: JsonObject, test: JsonObject): Made {
  const value = object(JSON.parse(text(test["document"])) as Json);
  const signature = resigned("udi/1 erasure", value["receipt"] ?? null, group["secret"]);
  return { document: udi.canonical.spell({ key: hex(ed25519.getPublicKey(octets(group["secret"]))), receipt: value["receipt"] ?? null, signature }) };
}

/** Encrypts again with the nonce that was drawn, by another library than the SDK's. */
function record(_: JsonObject, test: JsonObject): Made {
  const [found, sealed, wrapped] = [object(test["found"]), octets(test["sealed"]), octets(test["wrapped"])];
  const bound = `udi1|${text(test["owner"])}|${text(test["id"])}|${text(test["type"])}|${number(test["rev"])}`;
  const encrypt = (key: Uint8Array, nonce: Uint8Array, clear: Uint8Array, data: string): Uint8Array => {
    const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(utf8(data));
    const body = concat(cipher.update(clear), cipher.final());
    return concat(nonce, body, cipher.getAuthTag());
  };
  const body = encrypt(octets(found["key"]), sealed.subarray(1, 13), octets(found["body"]), bound);
  const key = encrypt(octets(test["userKey"]), wrapped.subarray(0, 12), octets(found["key"]), "udi1|key");
  return { sealed: `01${hex(body)}`, wrapped: hex(key) };
}

/** The head over entries from `start` to before `end`. Source: RFC 9162 section 2.1.1. */
function head(start: number, end: number): Uint8Array {
  if (end - start === 0) return sha256(new Uint8Array());
  if (end - start === 1) return leafHash(utf8(String(start)));
  const middle = start + 2 ** Math.floor(Math.log2(end - start - 1));
  return nodeHash(head(start, middle), head(middle, end));
}

/** Source: RFC 9162 section 2.1.3.1. */
function path(index: number, start: number, end: number): Uint8Array[] {
  if (end - start === 1) return [];
  const middle = start + 2 ** Math.floor(Math.log2(end - start - 1));
  return index < middle ? [...path(index, start, middle), head(middle, end)] : [...path(index, middle, end), head(start, middle)];
}

/** Source: RFC 9162 section 2.1.4.1. */
function growth(old: number, start: number, end: number, whole: boolean): Uint8Array[] {
  if (old === end) return whole ? [] : [head(start, end)];
  const middle = start + 2 ** Math.floor(Math.log2(end - start - 1));
  if (old <= middle) return [...growth(old, start, middle, whole), head(middle, end)];
  return [...growth(old, middle, end, false), head(start, middle)];
}

function inclusion(_: JsonObject, test: JsonObject): Made {
  const [index, size] = [number(test["index"]), number(test["size"])];
  return { leaf: hex(head(index, index + 1)), root: hex(head(0, size)), proof: path(index, 0, size).map(hex) };
}

function consistency(_: JsonObject, test: JsonObject): Made {
  const [old, size] = [number(test["old"]), number(test["new"])];
  const proof = old === 0 ? [] : growth(old, 0, size, true).map(hex);
  return { oldRoot: hex(head(0, old)), newRoot: hex(head(0, size)), proof };
}

const MAKERS: Readonly<Record<string, Maker>> = {
  JcsWrite: judged("JcsWrite"),
  JcsRead: (_, test) => ({ bytes: hex(udi.canonical.encode(udi.canonical.decode(octets(test["bytes"])))) }),
  Digest: judged("Digest"),
  Network: judged("Network"),
  Key: (_, test) => {
    const { kind, material } = udi.parseKey(test["key"]);
    return { key: `${kind}:${unbig(material).toString(16).padStart(2 * material.length, "0")}` };
  },
  Eoa: eoa,
  Device: device,
  Passkey: passkey,
  SiweParse: parsed,
  SiweVerify: signedIn,
  KeyEvents: events,
  Selector: (_, test) => ({ selector: udi.spellSelector(udi.parseSelector(test["selector"])) }),
  Selects: judged("Selects"),
  SelectorWithin: judged("SelectorWithin"),
  Grant: granted,
  Revoke: revoked,
  ReleasePolicy: policy,
  Consent: judged("Consent"),
  Record: record,
  Chunk: judged("Chunk"),
  BlobPart: blobPart,
  Manifest: manifest,
  Receipt: receipt,
  Erasure: erasure,
  Envelope: envelope,
  ServiceToken: serviceToken,
  SignedRequest: signedRequest,
  Number: numbered,
  Archive: archived,
  Pairwise: judged("Pairwise"),
  Inclusion: inclusion,
  Consistency: consistency,
};

/** A part of a blob as a record in a chunk, written from what is to be found in it. */
function blobPart(_: JsonObject, test: JsonObject): Made {
  const found = object(test["found"]);
  const [digest, content, n, at] = [octets(found["digest"]), octets(found["content"]), number(found["n"]), number(test["created"])];
  const body = concat(digest, big(BigInt(number(found["size"])), 8), content);
  const id = hex(concat(digest.slice(0, 12), big(BigInt(n), 4)));
  const line = { changed: at, created: at, id, rev: n + 1, size: body.length, type: "udi.blob.v1" };
  return { payload: hex(concat(udi.canonical.encode(line), utf8("\n"), body, utf8("\n"))) };
}

async function main(): Promise<number> {
  const remade = new Map<string, number>();
  let wrong = 0;
  for (const { file, kind, group, tests } of groups()) {
    const make = MAKERS[kind];
    for (const test of tests.filter((each) => each["result"] === "valid")) {
      const made = make === undefined ? { nobody: "makes this" } : await make(group, test);
      for (const [name, value] of Object.entries(made)) {
        const written = test[name] ?? group[name] ?? null;
        if (udi.canonical.spell(value) === udi.canonical.spell(written)) continue;
        wrong += 1;
        console.error(`${file} ${String(test["tcId"])} (${String(test["comment"])}): ${name} differs`);
      }
      remade.set(file, (remade.get(file) ?? 0) + 1);
    }
  }
  for (const [file, count] of remade) console.log(`${file}: ${count} made anew`);
  return wrong === 0 ? 0 : 1;
}

process.exitCode = await main();
