/** An archive that is read by somebody who does not know who made it. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { ed25519 } from "@noble/curves/ed25519.js";
import * as udi from "../src/index.js";
import { groups } from "./files.js";
import { octets } from "./judges.js";

const { concat, hex, utf8 } = udi.bytes;
const SECRET = new Uint8Array(32).fill(9);
const RECORDS = "apps/0-shop/records/org.example.shop.order.v1/000000.jsonl.gz";
const LINE = `{"id":"${"01".repeat(16)}","type":"org.example.shop.order.v1","rev":1,"created":1,"changed":2,"body":{"total":1}}\n`;

/** A ZIP file with stored members. */
function zip(members: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const number = (value: number, size: number): Uint8Array => Uint8Array.from({ length: size }, (_, at) => (value / 256 ** at) & 255);
  let file = new Uint8Array();
  let directory = new Uint8Array();
  for (const [name, data] of members) {
    const sizes = concat(number(0, 4), number(data.length, 4), number(data.length, 4), number(name.length, 2), number(0, 2));
    const entry = concat(number(0x02014b50, 4), number(20, 2), number(20, 2), number(0, 8), sizes, number(0, 10), number(file.length, 4), utf8(name));
    directory = new Uint8Array(concat(directory, entry));
    file = new Uint8Array(concat(file, number(0x04034b50, 4), number(20, 2), number(0, 8), sizes, utf8(name), data));
  }
  const end = concat(number(0x06054b50, 4), number(0, 4), number(members.length, 2), number(members.length, 2), number(directory.length, 4), number(file.length, 4), number(0, 2));
  return concat(file, directory, end);
}

/** An archive whose signature and sums are good, with these records. */
function archive(packed: Uint8Array): Uint8Array {
  const listed = [{ name: RECORDS, size: packed.length, sha256: createHash("sha256").update(packed).digest("hex") }];
  const root = hex(udi.merkle.leafHash(udi.canonical.encode(listed[0] ?? null)));
  const manifest = udi.canonical.encode({ format: "udi-export/1", apps: [{ app: "shop", folder: "apps/0-shop" }], members: listed, root });
  const signature = hex(ed25519.sign(concat(utf8("udi/1 export\0"), manifest), SECRET));
  const beside = udi.canonical.encode({ key: hex(ed25519.getPublicKey(SECRET)), signature });
  return zip([[RECORDS, packed], ["manifest.json", manifest], ["manifest.sig.json", beside]]);
}

test("records come out as they were written, however they were packed", async () => {
  const opened = udi.Archive.open(archive(gzipSync(LINE.repeat(1))));
  const [record] = await opened.records("shop");
  assert.equal(new TextDecoder().decode(record?.body), '{"total":1}');
  assert.deepEqual([record?.rev, record?.created, record?.changed], [1, 1, 2]);
  assert.throws(() => opened.blobs("books"), { code: "archive.member" });
});

test("what unpacks to more than a vault packs is refused before it is held", async () => {
  const bomb = udi.Archive.open(archive(gzipSync(Buffer.alloc(64 << 20))));
  await assert.rejects(bomb.records("shop"), { code: "archive.form" });
});

test("two gzip files in one member are none", async () => {
  const twice = udi.Archive.open(archive(concat(gzipSync(LINE), gzipSync(LINE))));
  await assert.rejects(twice.records("shop"), { code: "archive.form" });
});

test("a file that is cut anywhere, or bent in its directory, is refused and ends nothing", () => {
  const [found] = groups().filter(({ kind }) => kind === "Archive");
  const whole = octets(found?.tests[0]?.["archive"]);
  for (let size = 0; size < whole.length; size += 7) assert.throws(() => udi.Archive.open(whole.subarray(0, size)), udi.Refused);
  for (let at = whole.length - 400; at < whole.length; at += 1) {
    const bent = Uint8Array.from(whole);
    bent[at] = 255 - (whole[at] ?? 0);
    try {
      udi.Archive.open(bent);
    } catch (error) {
      assert.ok(error instanceof udi.Refused, `byte ${at}: ${String(error)}`);
    }
  }
});
