/** The README's examples run, and print what it says. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const README = new URL("../../README.md", import.meta.url);
const FOLDER = new URL("../readme/", import.meta.url);
const EXAMPLE = /```js\n([^]*?)```\n\n```text\n([^]*?)```/g;

const examples = [...readFileSync(README, "utf8").matchAll(EXAMPLE)];

test("the README has examples", () => assert.ok(examples.length >= 2));

for (const [place, [, code = "", output]] of examples.entries()) {
  test(`example ${place} prints what the README says`, () => {
    mkdirSync(FOLDER, { recursive: true });
    const file = fileURLToPath(new URL(`example-${place}.mjs`, FOLDER));
    writeFileSync(file, code);
    const { stdout, stderr } = spawnSync(process.execPath, [file], { encoding: "utf8", timeout: 20_000 });
    assert.equal(stderr, "");
    assert.equal(stdout, output);
  });
}
