/**
 * A ZIP file whose members are stored as they are: nothing can unpack to more than it is.
 *
 * One file, no comment, no encryption, ZIP64 where it is needed. Source: APPNOTE.TXT 6.3, sections 4.3 and 4.5.
 */

import { refuse } from "./errors.js";

const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const SMALL = 0xffff;
const WIDE = 0xffffffff;

/** A member: where its bytes are, and whether they are packed. */
export interface Member {
  readonly name: string;
  readonly packed: boolean;
  readonly bytes: Uint8Array;
}

/** The members in the order of the directory. Refuses: "archive.form". */
export function readZip(bytes: Uint8Array): readonly Member[] {
  try {
    return directory(new Reader(bytes));
  } catch (error) {
    if (error instanceof RangeError) return bad("the file is damaged"); // of DataView: past the end
    throw error;
  }
}

function directory(file: Reader): readonly Member[] {
  const end = file.size - 22;
  if (file.u32(end) !== END || file.u16(end + 20) !== 0) bad("no end of a ZIP file");
  let [count, at] = [file.u16(end + 10), file.u32(end + 16)];
  if (count === SMALL || at === WIDE || file.u32(end + 12) === WIDE) {
    if (file.u32(end - 20) !== LOCATOR64) bad("no end of a large ZIP file");
    const large = file.u64(end - 12);
    if (file.u32(large) !== END64) bad("no end of a large ZIP file");
    [count, at] = [file.u64(large + 32), file.u64(large + 48)];
  }
  const members: Member[] = [];
  for (let n = 0; n < count; n += 1) {
    const [member, next] = entry(file, at);
    members.push(member);
    at = next;
  }
  return members;
}

/** A member by its entry in the directory, and where the next entry is. */
function entry(file: Reader, at: number): [Member, number] {
  if (file.u32(at) !== CENTRAL || (file.u16(at + 8) & 1) === 1) bad("no entry of a directory, or an encrypted member");
  const [name, extra, comment] = [file.u16(at + 28), file.u16(at + 30), file.u16(at + 32)];
  let [packed, size, local] = [file.u32(at + 20), file.u32(at + 24), file.u32(at + 42)];
  const wide = wideFields(file, at + 46 + name, extra);
  if (size === WIDE) size = wide.shift() ?? bad("no size");
  if (packed === WIDE) packed = wide.shift() ?? bad("no size");
  if (local === WIDE) local = wide.shift() ?? bad("no place");
  const said = file.text(at + 46, name);
  if (file.u32(local) !== LOCAL || file.text(local + 30, file.u16(local + 26)) !== said) bad("a member is not where the directory says");
  const start = local + 30 + file.u16(local + 26) + file.u16(local + 28);
  const method = file.u16(at + 10);
  return [{ name: said, packed: method !== 0 || packed !== size, bytes: file.slice(start, packed) }, at + 46 + name + extra + comment];
}

/** The numbers of the ZIP64 extra field. */
function wideFields(file: Reader, at: number, size: number): number[] {
  for (let place = at; place + 4 <= at + size; place += 4 + file.u16(place + 2)) {
    if (file.u16(place) === 1) return Array.from({ length: Math.floor(file.u16(place + 2) / 8) }, (_, n) => file.u64(place + 4 + 8 * n));
  }
  return [];
}

class Reader {
  readonly #view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get size(): number {
    return this.bytes.length;
  }

  u16(at: number): number {
    return this.#view.getUint16(at, true);
  }

  u32(at: number): number {
    return this.#view.getUint32(at, true);
  }

  u64(at: number): number {
    const value = this.#view.getBigUint64(at, true);
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : bad("a number past every file");
  }

  slice(at: number, size: number): Uint8Array {
    return at + size <= this.size ? this.bytes.subarray(at, at + size) : bad("a member ends after the file");
  }

  text(at: number, size: number): string {
    return new TextDecoder().decode(this.slice(at, size));
  }
}

function bad(what: string): never {
  return refuse("archive.form", what);
}
