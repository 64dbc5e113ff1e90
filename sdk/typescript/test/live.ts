/** A person at a running vault, in Node: `node dist/test/live.js URL NETWORK`. Prints what happened as JSON, for a test in Python. */

import assert from "node:assert/strict";
import * as udi from "../src/index.js";
import { TestWallet } from "./provider.js";

const [url = "", network = ""] = process.argv.slice(2);
const vault = new udi.Vault(url);
const now = (): number => Math.floor(Date.now() / 1_000);

const wallet = await udi.Wallet.open(new TestWallet(`0x${"31".repeat(32)}`));
const session = await vault.begin(wallet, now());
const mine = vault.with(session);
const asked = { parameters: { account: session.account }, body: undefined };
const status = await mine.call("readAccountStatus", asked);
assert.deepEqual(status.keys.map((each) => each.key), [wallet.key.text]);

const begun = await vault.account(session.account);
const event: udi.Event = { account: begun.id, seq: 1, prior: begun.head, action: { kind: "freeze" }, at: now() };
await vault.append(begun.id, await udi.signEvent(wallet, event, udi.schemaOf(network)));
assert.equal((await mine.call("readAccountStatus", asked)).frozen, true);
assert.equal(udi.isFrozen(await vault.account(begun.id), now()), true);

const refused: string[] = [];
async function refuses(attempt: Promise<unknown>): Promise<void> {
  await attempt.then(() => refused.push(""), (error: unknown) => refused.push(error instanceof udi.Refused ? error.code : String(error)));
}
await refuses(vault.call("readAccountStatus", asked));
await refuses(vault.append(begun.id, await udi.signEvent(wallet, event, udi.schemaOf(network))));
await refuses(vault.events("00".repeat(32)));
await refuses(vault.signIn(wallet, now(), "nobody"));
await mine.call("signOut", { parameters: {}, body: undefined });
await refuses(mine.call("readAccountStatus", asked));
console.log(JSON.stringify({ account: session.account, refused }));
