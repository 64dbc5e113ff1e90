/** Blobs on their way: parts that travel in chunks, like records of a type that nobody can declare. Source: UDI/1, "Chunks". */

import { big, concat, same, unbig } from "./bytes.js";
import { refuse } from "./errors.js";
import type { Item } from "./transfer.js";

/** The type under which parts of blobs travel. */
export const BLOB = "udi.blob.v1";
/** Bytes of every part but the last. */
export const BLOB_PART = 256 << 10;
const LARGEST = 1 << 30;

/** Part `n` (from 0) of a blob of `size` bytes that is called `digest`. */
export interface BlobPart {
  readonly digest: Uint8Array;
  readonly size: number;
  readonly n: number;
  readonly content: Uint8Array;
}

/** The part that an item of the type `BLOB` is. Refuses: "chunk.blob". */
export function readBlobPart(item: Item): BlobPart {
  const [digest, size, n] = [item.body.slice(0, 32), Number(unbig(item.body.slice(32, 40))), item.rev - 1];
  const content = item.body.slice(40);
  const expected = Math.min(BLOB_PART, size - n * BLOB_PART);
  if (item.body.length < 40 || size > LARGEST || content.length !== expected || (n > 0 && expected === 0)) {
    refuse("chunk.blob", "not a part of a blob");
  }
  const name = concat(digest.slice(0, 12), big(BigInt(n), 4));
  if (!same(item.id, name)) refuse("chunk.blob", "not the id of this part of a blob");
  return { digest, size, n, content };
}
