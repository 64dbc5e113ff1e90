/**
 * Proofs about a log: that an entry is in it, and that it only grew. Source: RFC 9162 section 2.1.
 *
 * Written from the definition of the tree (its recursion), not from the loops of the RFC: both must agree.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { concat, same } from "./bytes.js";
import { refuse } from "./errors.js";

const MOST_HASHES = 63;
const LARGEST = 2n ** 62n;

export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256(concat(Uint8Array.of(0), entry));
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concat(Uint8Array.of(1), left, right));
}

/** The head over the hashes of entries. Source: RFC 9162 section 2.1.1. */
export function headOf(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves;
  if (first === undefined) return sha256(new Uint8Array());
  if (leaves.length === 1) return first;
  const left = Number(leftOf(BigInt(leaves.length)));
  return nodeHash(headOf(leaves.slice(0, left)), headOf(leaves.slice(left)));
}

export interface Inclusion {
  readonly leaf: Uint8Array;
  readonly index: bigint;
  readonly size: bigint;
  /** Lowest first. */
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** Refuse unless an entry is where somebody says. Refuses: "log.proof". */
export function checkInclusion({ leaf, index, size, proof, root }: Inclusion): void {
  bounded(proof, leaf, root);
  if (index < 0n || index >= size || size > LARGEST) refuse("log.proof", "outside the tree");
  const rest = [...proof];
  const made = climb(leaf, index, size, rest);
  if (rest.length > 0 || !same(made, root)) refuse("log.proof", "leads to another head");
}

/** The head of a tree of `size`, from one leaf; takes hashes from the top, that is from the end. */
function climb(leaf: Uint8Array, index: bigint, size: bigint, proof: Uint8Array[]): Uint8Array {
  if (size === 1n) return leaf;
  const sibling = proof.pop() ?? refuse("log.proof", "too short");
  const left = leftOf(size);
  if (index < left) return nodeHash(climb(leaf, index, left, proof), sibling);
  return nodeHash(sibling, climb(leaf, index - left, size - left, proof));
}

export interface Growth {
  readonly old: bigint;
  readonly size: bigint;
  readonly oldRoot: Uint8Array;
  readonly root: Uint8Array;
  /** Lowest first. */
  readonly proof: readonly Uint8Array[];
}

/** Refuse unless the larger tree begins with the smaller one. Refuses: "log.proof". */
export function checkGrowth({ old, size, oldRoot, root, proof }: Growth): void {
  bounded(proof, oldRoot, root);
  if (old < 0n || old > size || size > LARGEST) refuse("log.proof", "a log does not shrink");
  for (const [entries, head] of [[old, oldRoot], [size, root]] as const) {
    if (entries === 0n && !same(head, sha256(new Uint8Array()))) refuse("log.proof", "not the head of an empty log");
  }
  if (old === 0n || old === size) {
    if (proof.length > 0 || (old === size && !same(oldRoot, root))) refuse("log.proof", "leads to another head");
    return;
  }
  const rest = [...proof];
  const heads = grow(old, size, oldRoot, true, rest);
  if (rest.length > 0 || !same(heads.old, oldRoot) || !same(heads.all, root)) refuse("log.proof", "leads to another head");
}

interface Heads {
  readonly old: Uint8Array;
  readonly all: Uint8Array;
}

/** Both heads of a subtree of `size` whose first `old` entries are old; `known`: those are the whole old tree. */
function grow(old: bigint, size: bigint, oldRoot: Uint8Array, known: boolean, proof: Uint8Array[]): Heads {
  if (old === size) {
    const head = known ? oldRoot : (proof.pop() ?? refuse("log.proof", "too short"));
    return { old: head, all: head };
  }
  const sibling = proof.pop() ?? refuse("log.proof", "too short");
  const left = leftOf(size);
  if (old <= left) {
    const inner = grow(old, left, oldRoot, known, proof);
    return { old: inner.old, all: nodeHash(inner.all, sibling) };
  }
  const inner = grow(old - left, size - left, oldRoot, false, proof);
  return { old: nodeHash(sibling, inner.old), all: nodeHash(sibling, inner.all) };
}

function bounded(proof: readonly Uint8Array[], ...roots: readonly Uint8Array[]): void {
  if (proof.length > MOST_HASHES) refuse("log.proof", "more hashes than any tree needs");
  for (const each of [...proof, ...roots]) if (each.length !== 32) refuse("log.proof", "a hash has 32 bytes");
}

/** The largest power of two below `size`, which is above 1. */
function leftOf(size: bigint): bigint {
  return 1n << BigInt((size - 1n).toString(2).length - 1);
}
