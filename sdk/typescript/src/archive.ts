/** What somebody took out of a vault, read: signed, whole, and no larger than it says. Source: UDI/1, "Archives". */

import { sha256 } from "@noble/hashes/sha2.js";
import { concat, hex, utf8 } from "./bytes.js";
import { decode, encode } from "./canonical.js";
import { verifies } from "./ed25519.js";
import { Refused, refuse } from "./errors.js";
import { isList, isObject, type Json, type JsonObject, parse, text } from "./json.js";
import { headOf, leafHash } from "./merkle.js";
import { DATA_TYPE, readers } from "./reading.js";
import { type Member, readZip } from "./zip.js";

/** A record as it was kept; `body` has the bytes that were written. */
export interface ArchivedRecord {
  readonly id: string;
  readonly type: string;
  readonly rev: number;
  readonly created: number;
  readonly changed: number;
  readonly body: Uint8Array;
}

const [MANIFEST, SIGNATURE] = ["manifest.json", "manifest.sig.json"];
const LARGEST_MANIFEST = 64 << 20;
const MOST_MEMBERS = 1 << 20;
/** Bytes of the records of one member before packing; a single line may be larger by itself. */
const LARGEST_MEMBER = (8 << 20) + (1 << 20);
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}(?:\/[A-Za-z0-9][A-Za-z0-9._-]{0,127}){0,5}$/;
const LINE = /^\{"id":"([0-9a-f]{32})","type":"([^"]+)","rev":([0-9]{1,16}),"created":([0-9]{1,16}),"changed":([0-9]{1,16}),"(body|text)":(.+)\}$/su;
const read = readers("archive.form");

/** An archive that is what its manifest says; whose key signed is for the caller to judge. */
export class Archive {
  private constructor(
    /** The Ed25519 key that signed. */
    readonly signer: Uint8Array,
    readonly manifest: JsonObject,
    /** The folder of each application, by its name. */
    readonly apps: ReadonlyMap<string, string>,
    private readonly members: ReadonlyMap<string, Uint8Array>,
  ) {}

  /**
   * Read an archive, and compare all of it.
   *
   * Refuses: "archive.form", "archive.member", "archive.signature", "json.form".
   */
  static open(bytes: Uint8Array): Archive {
    const found = readZip(bytes);
    const members = new Map(found.map((each) => [each.name, each]));
    if (members.size < found.length) refuse("archive.member", "a name stands twice in the file");
    const [document, beside] = [stored(members.get(MANIFEST)), stored(members.get(SIGNATURE))];
    const signer = signerOf(beside, document);
    const { manifest, listed, apps } = manifestOf(document);
    const named = new Set([...listed.map(({ name }) => name), MANIFEST, SIGNATURE]);
    if (named.size !== listed.length + 2 || named.size !== members.size || [...members.keys()].some((each) => !named.has(each))) {
      refuse("archive.member", "other members than the manifest names");
    }
    const held = listed.map(({ name, size, digest }): [string, Uint8Array] => {
      const data = stored(members.get(name));
      if (data.length !== size || hex(sha256(data)) !== digest) refuse("archive.member", `${name} is not what the manifest says`);
      return [name, data];
    });
    return new Archive(signer, manifest, apps, new Map(held));
  }

  /** The records of an application, in their order. Refuses: "archive.form". */
  async records(app: string): Promise<readonly ArchivedRecord[]> {
    const records: ArchivedRecord[] = [];
    for (const [, packed] of this.#within(app, "records")) {
      const lines = splitLines(await unpack(packed));
      records.push(...lines.map(recordOf));
    }
    return records;
  }

  /** The blobs of an application, by their SHA-256 in hex. */
  blobs(app: string): ReadonlyMap<string, Uint8Array> {
    return new Map(this.#within(app, "blobs"));
  }

  #within(app: string, room: string): [string, Uint8Array][] {
    const start = `${this.apps.get(app) ?? refuse("archive.member", "no such application")}/${room}/`;
    return [...this.members].flatMap(([name, data]) => (name.startsWith(start) ? [[name.slice(start.length), data]] : []));
  }
}

function stored(member: Member | undefined): Uint8Array {
  if (member === undefined) return refuse("archive.member", "a member is missing");
  return member.packed ? read.bad("members that are stored") : member.bytes;
}

function signerOf(beside: Uint8Array, document: Uint8Array): Uint8Array {
  const said = read.object(decode(beside, 1 << 10), "key", "signature");
  const [key, signature] = [read.octets(said["key"], 32), read.octets(said["signature"], 64)];
  if (!verifies(key, concat(utf8("udi/1 export\0"), document), signature)) refuse("archive.signature", "the manifest is not signed by its key");
  return key;
}

interface Listed {
  readonly name: string;
  readonly size: number;
  readonly digest: string;
}

function manifestOf(document: Uint8Array): { manifest: JsonObject; listed: readonly Listed[]; apps: ReadonlyMap<string, string> } {
  const manifest = decode(document, LARGEST_MANIFEST);
  if (!isObject(manifest) || manifest["format"] !== "udi-export/1") return read.bad("the manifest of an archive");
  const entries = read.list(manifest["members"], 0, MOST_MEMBERS);
  const listed = entries.map((each) => {
    const said = read.object(each, "name", "size", "sha256");
    return { name: read.text(said["name"], NAME), size: read.whole(said["size"], 0, 2 ** 53), digest: read.text(said["sha256"], /^/) };
  });
  if (manifest["root"] !== hex(headOf(entries.map((each) => leafHash(encode(each)))))) read.bad("the root of its members");
  const apps = isList(manifest["apps"]) ? manifest["apps"].map(appOf) : read.bad("a list of applications");
  return { manifest, listed, apps: new Map(apps) };
}

function appOf(value: Json): [string, string] {
  const said = isObject(value) ? value : read.bad("an application");
  return [read.text(said["app"], /^/), read.text(said["folder"], /^/)];
}

/** One gzip file that unpacks to no more than a vault packs. Source: RFC 1952. */
async function unpack(packed: Uint8Array): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    const stream = new Blob([new Uint8Array(packed)]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
    for (let part = await stream.read(); !part.done; part = await stream.read()) {
      size += part.value.length;
      if (size > LARGEST_MEMBER) {
        await stream.cancel();
        return read.bad("records of this size");
      }
      parts.push(part.value);
    }
  } catch (error) {
    if (error instanceof Refused) throw error;
    return read.bad("records that are packed");
  }
  // Not every engine minds what follows a gzip file; its last four bytes say how long the content is.
  const stated = packed.subarray(-4).reduceRight((value, byte) => value * 256 + byte, 0);
  return stated === size ? concat(...parts) : read.bad("one gzip file");
}

function splitLines(bytes: Uint8Array): readonly Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0x0a, at);
    if (end < 0) read.bad("a whole line");
    lines.push(bytes.subarray(at, end));
    at = end + 1;
  }
  return lines;
}

function recordOf(line: Uint8Array): ArchivedRecord {
  const found = LINE.exec(text(line) ?? "") ?? read.bad("a record");
  const [, id = "", type = "", rev, created, changed, kind, rest = ""] = found;
  const value = valueOf(rest);
  const body = kind === "body" ? utf8(rest) : utf8(typeof value === "string" ? value : read.bad("a text"));
  const needsText = typeof value === "string" && kind === "text" && (/[\n\r]/.test(value) || value !== trimmed(value));
  if (kind === "text" && !needsText) read.bad("a body in its one spelling");
  return { id, type: read.text(type, DATA_TYPE), rev: Number(rev), created: Number(created), changed: Number(changed), body };
}

/** Without ASCII's blanks around it, as the specification means them. */
function trimmed(value: string): string {
  return value.replaceAll(/^[\t-\r ]+|[\t-\r ]+$/g, "");
}

function valueOf(source: string): Json {
  try {
    return parse(source, 64);
  } catch {
    return read.bad("JSON");
  }
}
