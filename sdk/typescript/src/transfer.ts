/** What a transfer consists of, and what arrived: manifests, chunks and receipts. Source: UDI/1, "Transfer". */

import { sha256 } from "@noble/hashes/sha2.js";
import { big, concat, hex, same, utf8 } from "./bytes.js";
import { decode, encode } from "./canonical.js";
import { signedDocument } from "./ed25519.js";
import { refuse } from "./errors.js";
import { hasOnly, isObject, type Json, type JsonObject } from "./json.js";
import { headOf, leafHash } from "./merkle.js";
import { ascend, DATA_TYPE, readers } from "./reading.js";

export interface Chunk {
  readonly count: number;
  readonly size: number;
  readonly sha256: Uint8Array;
}

export interface Manifest {
  readonly transfer: Uint8Array;
  readonly grant: Uint8Array;
  readonly seq: number;
  readonly source: Uint8Array;
  readonly recipient: Uint8Array;
  readonly key: Uint8Array;
  readonly chunks: readonly Chunk[];
  readonly count: number;
  readonly root: Uint8Array;
  readonly at: number;
}

export interface TransferReceipt {
  readonly transfer: Uint8Array;
  readonly root: Uint8Array;
  readonly count: number;
  readonly dup: number;
  readonly rejected: readonly { readonly id: Uint8Array; readonly code: string }[];
  readonly head: Uint8Array;
  readonly at: number;
}

/** One record on its way; `body` as it was written. */
export interface Item {
  readonly id: Uint8Array;
  readonly type: string;
  readonly rev: number;
  readonly created: number;
  readonly changed: number;
  readonly body: Uint8Array;
}

const MANIFEST = ["v", "transfer", "grant", "seq", "source", "recipient", "key", "chunks", "count", "root", "at"];
const RECEIPT = ["v", "transfer", "root", "count", "dup", "rejected", "head", "at"];
const LARGEST = 1 << 20;
const LARGEST_CHUNK = 1 << 20;
const MOST = 2 ** 53;
const SIGNATURE = /^[0-9a-f]{128}$/;

/** Refuses: "json.form", "manifest.form", "manifest.signature", "manifest.sum". */
export function decodeManifest(bytes: Uint8Array, sourceKey: Uint8Array): Manifest {
  const read = readers("manifest.form");
  const value = read.object(decode(bytes, LARGEST), "manifest", "signature");
  const signature = read.text(value["signature"], SIGNATURE);
  const said = read.object(value["manifest"], ...MANIFEST);
  read.whole(said["v"], 1, 1);
  const chunks = read.list(said["chunks"], 0, 8_192).map((each) => {
    const chunk = read.object(each, "count", "size", "sha256");
    return { count: read.whole(chunk["count"], 1, 1_000), size: read.whole(chunk["size"], 1, LARGEST_CHUNK), sha256: read.octets(chunk["sha256"], 32) };
  });
  const [transfer, grant] = [read.octets(said["transfer"], 16), read.octets(said["grant"], 16)];
  const octets = (name: string): Uint8Array => read.octets(said[name], 32);
  const whole = (name: string): number => read.whole(said[name], 0, MOST);
  const parties = { source: octets("source"), recipient: octets("recipient"), key: octets("key") };
  const made = { transfer, grant, ...parties, chunks, seq: whole("seq"), count: whole("count"), root: octets("root"), at: whole("at") };
  if (!signedDocument("udi/1 manifest", said, signature, sourceKey)) refuse("manifest.signature", "not signed by the source");
  const sum = chunks.reduce((all, { count }) => all + count, 0);
  if (sum !== made.count || !same(rootOf(chunks), made.root)) refuse("manifest.sum", "count or root is not that of the chunks");
  return made;
}

/** The head of the tree over chunks. */
export function rootOf(chunks: readonly Chunk[]): Uint8Array {
  const leaves = chunks.map(({ count, size, sha256: digest }, n) => leafHash(concat(number4(n), number4(count), number4(size), digest)));
  return headOf(leaves);
}

/** The chain over chunks that whoever has read them all arrives at. */
export function chainOf(transfer: Uint8Array, chunks: readonly Uint8Array[]): Uint8Array {
  const tag = utf8("udi/1 head\0");
  return chunks.reduce((head, chunk) => sha256(concat(tag, head, chunk)), sha256(concat(tag, transfer)));
}

/** The records of a chunk. Refuses: "chunk.form". */
export function unpackChunk(payload: Uint8Array): readonly Item[] {
  const read = readers("chunk.form");
  if (payload.length < 1 || payload.length > LARGEST_CHUNK) read.bad("a chunk of this size");
  const items: Item[] = [];
  for (let at = 0; at < payload.length; ) {
    const end = payload.subarray(at, at + 512).indexOf(0x0a);
    if (end < 0 || items.length === 1_000) read.bad("a line, or too many records");
    const line = lineOf(payload.subarray(at, at + end));
    const after = at + end + 1 + line.size;
    if (payload[after] !== 0x0a) read.bad("the length that the line says");
    items.push({ ...line.head, body: payload.slice(at + end + 1, after) });
    at = after + 1;
  }
  if (new Set(items.map(({ id }) => hex(id))).size < items.length) read.bad("records, each once");
  return items;
}

function lineOf(bytes: Uint8Array): { head: Omit<Item, "body">; size: number } {
  const read = readers("chunk.form");
  const said = read.object(canonicalOr(bytes, "chunk.form"), "changed", "created", "id", "rev", "size", "type");
  const head = {
    id: read.octets(said["id"], 16),
    type: read.text(said["type"], DATA_TYPE),
    rev: read.whole(said["rev"], 1, MOST),
    created: read.whole(said["created"], 0, MOST),
    changed: read.whole(said["changed"], 0, MOST),
  };
  return { head, size: read.whole(said["size"], 0, LARGEST_CHUNK - 1_024) };
}

function canonicalOr(bytes: Uint8Array, code: string): Json {
  try {
    return decode(bytes, 512);
  } catch {
    return refuse(code, "not canonical JSON");
  }
}

/**
 * A receipt that the recipient signed, and the source, too, if its key is given; and the leaf that both ledgers hold.
 *
 * Refuses: "json.form", "receipt.form", "receipt.signature", "receipt.countersignature".
 */
export function decodeReceipt(bytes: Uint8Array, recipientKey: Uint8Array, sourceKey: Uint8Array | null): { receipt: TransferReceipt; leaf: Uint8Array } {
  const read = readers("receipt.form");
  const value = decode(bytes, LARGEST);
  const names = ["receipt", "salt", "signature"];
  if (!isObject(value) || !(hasOnly(value, ...names) || hasOnly(value, ...names, "countersignature"))) return read.bad("a signed receipt");
  const salt = read.octets(value["salt"], 32);
  const signature = read.text(value["signature"], SIGNATURE);
  const counter = value["countersignature"] === undefined ? "" : read.text(value["countersignature"], SIGNATURE);
  const said = read.object(value["receipt"], ...RECEIPT);
  const receipt = readReceipt(said);
  const salted = { receipt: said, salt: hex(salt) };
  if (!signedDocument("udi/1 receipt", salted, signature, recipientKey)) refuse("receipt.signature", "not signed by the recipient");
  if (sourceKey !== null && !signedDocument("udi/1 receipt countersigned", salted, counter, sourceKey)) {
    refuse("receipt.countersignature", "not signed by the source");
  }
  return { receipt, leaf: sha256(concat(salt, encode(said))) };
}

function readReceipt(said: JsonObject): TransferReceipt {
  const read = readers("receipt.form");
  read.whole(said["v"], 1, 1);
  const rejected = read.list(said["rejected"], 0, 4_096).map((each) => {
    const one = read.object(each, "id", "code");
    return { id: read.octets(one["id"], 16), code: read.text(one["code"], /^[a-z0-9.-]{1,64}$/) };
  });
  if (!ascend(rejected.map(({ id }) => hex(id)))) read.bad("rejected records in order");
  return {
    transfer: read.octets(said["transfer"], 16),
    root: read.octets(said["root"], 32),
    count: read.whole(said["count"], 0, MOST),
    dup: read.whole(said["dup"], 0, MOST),
    rejected,
    head: read.octets(said["head"], 32),
    at: read.whole(said["at"], 0, MOST),
  };
}

function number4(value: number): Uint8Array {
  return big(BigInt(value), 4);
}
