/** What has to run at an application for consent to hold. Source: UDI/1, "Release policies". */

import { sha256 } from "@noble/hashes/sha2.js";
import { decode, encode } from "./canonical.js";
import type { Json } from "./json.js";
import { APP, ascend, DATA_TYPE, readers } from "./reading.js";

/** In place of a DAO, of an application that has none. */
export const NOBODY = `0x${"0".repeat(40)}`;
export const LEVELS = ["development", "operator-trusted", "measured-boot", "confidential-vm"] as const;
export type Level = (typeof LEVELS)[number];

export interface ReleasePolicy {
  readonly app: string;
  readonly chain: number;
  readonly dao: string;
  /** The lowest level that is accepted; null asks for no evidence. */
  readonly evidence: Level | null;
  /** The only software that is accepted; null accepts what the DAO releases. */
  readonly measurements: readonly string[] | null;
  readonly purposes: readonly string[];
  readonly types: readonly string[];
}

const read = readers("recipient.form");

/** Refuses: "recipient.form", "json.form". */
export function decodePolicy(bytes: Uint8Array): ReleasePolicy {
  const value = decode(bytes, 16 << 10);
  const said = read.object(value, "v", "app", "chain", "dao", "evidence", "measurements", "purposes", "types");
  const ordered = (name: string, one: (value: Json) => string): readonly string[] => {
    const found = read.list(said[name], 0, 64).map(one);
    return ascend(found) ? found : read.bad("in order");
  };
  const evidence = said["evidence"] === null ? null : (LEVELS.find((each) => each === said["evidence"]) ?? read.bad("a level"));
  read.whole(said["v"], 1, 1);
  return {
    app: read.text(said["app"], APP),
    chain: read.whole(said["chain"], 0, 2 ** 53),
    dao: read.text(said["dao"], /^0x[0-9a-fA-F]{40}$/),
    evidence,
    measurements: said["measurements"] === null ? null : ordered("measurements", (each) => read.text(each, /^[0-9a-f]{64}$/)),
    purposes: ordered("purposes", read.plain),
    types: ordered("types", (each) => read.text(each, DATA_TYPE)),
  };
}

export function encodePolicy({ app, chain, dao, evidence, measurements, purposes, types }: ReleasePolicy): Uint8Array {
  return encode({ v: 1, app, chain, dao, evidence, measurements, purposes, types });
}

/** What grants name. */
export function policyHash(policy: ReleasePolicy): Uint8Array {
  return sha256(encodePolicy(policy));
}
