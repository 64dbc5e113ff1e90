/** Every case of the shared vectors is answered as it says. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { groups } from "./files.js";
import { answer, KINDS } from "./judges.js";

for (const [place, { file, kind, group, tests }] of groups().entries()) {
  test(`${file}, group ${place}: ${tests.length} cases`, async () => {
    for (const each of tests) {
      const wanted = each["result"] === "valid" ? { code: "", found: each["found"] } : { code: each["code"] };
      assert.deepEqual(await answer(kind, group, each), wanted, `${each["tcId"]}: ${each["comment"]}`);
    }
  });
}

test("every judge is needed", () => {
  assert.deepEqual([...new Set(groups().map((each) => each.kind))].sort(), [...KINDS].sort());
});
