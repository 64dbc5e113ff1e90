/** What `tsc` cannot forbid. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const FOLDER = new URL("../../src/", import.meta.url);

const MADE = ["api.ts"];

for (const name of readdirSync(FOLDER).filter((each) => !MADE.includes(each))) {
  test(`${name} is short and says no "any"`, () => {
    const source = readFileSync(new URL(name, FOLDER), "utf8");
    assert.ok(source.split("\n").length <= 300, "a file has at most 300 lines");
    const code = source.replaceAll(/\/\*[^]*?\*\/|\/\/.*|"[^"]*"/g, "");
    assert.doesNotMatch(code, /\bany\b|@ts-|\bas unknown as\b|!\./);
  });
}
