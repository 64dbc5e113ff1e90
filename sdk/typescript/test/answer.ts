/** Answers questions, one a line, until the input ends: for tests that compare this SDK with another implementation. */

import { createInterface } from "node:readline";
import { answer, object, text } from "./judges.js";
import { utf8 } from "../src/bytes.js";
import type { Json } from "../src/json.js";

for await (const line of createInterface({ input: process.stdin })) {
  const asked = object(JSON.parse(line) as Json);
  const given = await answer(text(asked["type"]), object(asked["group"]), object(asked["test"]));
  process.stdout.write(utf8(`${JSON.stringify(given satisfies Json)}\n`));
}
