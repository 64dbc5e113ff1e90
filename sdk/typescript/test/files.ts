/** The shared vectors on disk. */

import { readdirSync, readFileSync } from "node:fs";
import { list, object, text } from "./judges.js";
import type { Json, JsonObject } from "../src/json.js";

const FOLDER = new URL("../../../vectors/v1/", import.meta.url);

export interface VectorGroup {
  readonly file: string;
  readonly kind: string;
  readonly group: JsonObject;
  readonly tests: readonly JsonObject[];
}

/** Every group of every file. */
export function groups(): readonly VectorGroup[] {
  return readdirSync(FOLDER).sort().flatMap((file) => {
    const read = object(JSON.parse(readFileSync(new URL(file, FOLDER), "utf8")) as Json);
    const found = list(read["testGroups"]).map(object);
    return found.map((group) => ({ file, kind: text(group["type"]), group, tests: list(group["tests"]).map(object) }));
  });
}
