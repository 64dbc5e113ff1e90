/** Makes anew what travels: sealed chunks, service tokens, requests, encrypted numbers' frames, archives. See `generate`. */

import { createCipheriv, createHash, createHmac, createPrivateKey, createPublicKey, diffieHellman, type KeyObject, sign } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { tagged } from "../src/ed25519.js";
import * as udi from "../src/index.js";
import type { Json, JsonObject } from "../src/json.js";
import { leafHash, nodeHash } from "../src/merkle.js";
import { readZip } from "../src/zip.js";
import { answer, list, number, object, octets, text } from "../test/judges.js";

const { concat, hex, utf8 } = udi.bytes;

type Made = JsonObject;

/** Signs a document again, under a tag, by whoever has a secret. */
export function resigned(tag: string, document: Json, secret: Json | undefined): string {
  return hex(ed25519.sign(tagged(tag, document), octets(secret)));
}

/** Seals again with the ephemeral key that is told, by OpenSSL and not by the SDK's library. Source: RFC 9180. */
export function envelope(group: JsonObject, test: JsonObject): Made {
  const keyOf = (secret: Json | undefined): KeyObject =>
    createPrivateKey({ key: Buffer.concat([Buffer.from("302e020100300506032b656e04220420", "hex"), octets(secret)]), format: "der", type: "pkcs8" });
  const publicOf = (secret: Json | undefined): Uint8Array => createPublicKey(keyOf(secret)).export({ format: "der", type: "spki" }).subarray(-32);
  const [mine, theirs] = [publicOf(test["ephemeral"]), publicOf(group["secret"])];
  const mac = (key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array => createHmac("sha256", key).update(concat(...parts)).digest();
  const suites = { kem: concat(utf8("KEM"), octets("0020")), all: concat(utf8("HPKE"), octets("002000010002")) };
  const extract = (suite: Uint8Array, salt: Uint8Array, label: string, material: Uint8Array): Uint8Array => mac(salt, utf8("HPKE-v1"), suite, utf8(label), material);
  const expand = (suite: Uint8Array, prk: Uint8Array, label: string, info: Uint8Array, size: number): Uint8Array =>
    mac(prk, octets(size.toString(16).padStart(4, "0")), utf8("HPKE-v1"), suite, utf8(label), info, octets("01")).subarray(0, size);
  const [zeros, nothing] = [new Uint8Array(32), new Uint8Array()];
  const agreed = diffieHellman({ privateKey: keyOf(test["ephemeral"]), publicKey: createPublicKey(keyOf(group["secret"])) });
  const shared = expand(suites.kem, extract(suites.kem, zeros, "eae_prk", agreed), "shared_secret", concat(mine, theirs), 32);
  const info = concat(utf8("udi/1 chunk\0"), octets(group["transfer"]), octets(number(test["n"]).toString(16).padStart(8, "0")));
  const context = concat(octets("00"), extract(suites.all, zeros, "psk_id_hash", nothing), extract(suites.all, zeros, "info_hash", info));
  const secret = extract(suites.all, shared, "secret", nothing);
  const cipher = createCipheriv("aes-256-gcm", expand(suites.all, secret, "key", context, 32), expand(suites.all, secret, "base_nonce", context, 12));
  const body = concat(cipher.update(octets(object(test["found"])["payload"])), cipher.final());
  return { key: hex(theirs), sealed: hex(concat(mine, body, cipher.getAuthTag())) };
}

/** Signs a token again, and counts what is in it. */
export function serviceToken(group: JsonObject, test: JsonObject): Made {
  const token = object(object(JSON.parse(text(test["document"])) as Json)["token"]);
  const signature = resigned("udi/1 service-token", token, group["issuerSecret"]);
  const issuer = hex(ed25519.getPublicKey(octets(group["issuerSecret"])));
  const found = { scopes: list(token["scopes"]).length, until: number(token["until"]) };
  return { document: udi.canonical.spell({ token, signature }), issuer, found };
}

/** Signs a request again, by OpenSSL and not by the SDK's library, with the time that it names. */
export function signedRequest(group: JsonObject, test: JsonObject): Made {
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), octets(group["secret"])]);
  const secret = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const key = createPublicKey(secret).export({ format: "der", type: "spki" }).subarray(-32).toString("hex");
  const created = /created=(\d+)/.exec(text(object(test["headers"])["Signature-Input"]))?.[1] ?? "";
  const lines = ["method", "authority", "path"].map((name) => [`@${name}`, text(test[name])]);
  const digest = test["body"] === null ? [] : [`sha-256=:${createHash("sha256").update(octets(test["body"])).digest("base64")}:`];
  const covered = [...lines, ...digest.map((each) => ["content-digest", each])];
  const parameters = `(${covered.map(([name]) => `"${name}"`).join(" ")});created=${created};keyid="${key}";alg="ed25519"`;
  const base = [...covered, ["@signature-params", parameters]].map(([name, value]) => `"${name}": ${value}`).join("\n");
  const signature = sign(null, Buffer.from(base), secret).toString("base64");
  const headers = { "Signature-Input": `udi=${parameters}`, Signature: `udi=:${signature}:` };
  return { key, found: { key }, headers: digest.length === 0 ? headers : { ...headers, "Content-Digest": digest[0] ?? "" } };
}

/** Frames the same packed bytes again. */
export function numbered(_: JsonObject, test: JsonObject): Made {
  const bytes = Buffer.from(text(test["text"]), "base64url");
  const from = bytes.indexOf(octets("5ea11004"));
  const [minor, mode, packed] = [bytes.readUInt8(from + 4), bytes.readUInt8(from + 5), bytes.subarray(from + 16)];
  const head = Buffer.alloc(16);
  head.set([...octets("5ea11004"), minor, mode]);
  head.writeBigUInt64LE(BigInt(16 + packed.length), 8);
  const size = 16 + packed.length;
  const length = size < 128 ? [size] : [(size % 128) + 128, Math.floor(size / 128)];
  return { text: Buffer.concat([octets("0a010112"), Uint8Array.from(length), head, packed]).toString("base64url"), found: { bytes: bytes.length } };
}

/** Lists, sums and signs again what is in an archive. */
export async function archived(group: JsonObject, test: JsonObject): Promise<Made> {
  const said = object(JSON.parse(text(test["manifest"])) as Json);
  const members = readZip(octets(test["archive"])).filter(({ name }) => !name.startsWith("manifest."));
  const listed = members.map(({ name, bytes }) => ({ name, size: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") }));
  const entries = listed.map((each) => leafHash(udi.canonical.encode(each)));
  const climb = (leaves: readonly Uint8Array[]): Uint8Array => {
    const [first] = leaves;
    if (first === undefined) return sha256(new Uint8Array());
    if (leaves.length === 1) return first;
    const left = 2 ** Math.floor(Math.log2(leaves.length - 1));
    return nodeHash(climb(leaves.slice(0, left)), climb(leaves.slice(left)));
  };
  const manifest = udi.canonical.spell({ ...said, members: listed, root: hex(climb(entries)) });
  const key = hex(ed25519.getPublicKey(octets(group["secret"])));
  const signature = hex(ed25519.sign(concat(utf8("udi/1 export\0"), utf8(manifest)), octets(group["secret"])));
  return { found: (await answer("Archive", group, test)).found ?? null, key, manifest, signature: udi.canonical.spell({ key, signature }) };
}
