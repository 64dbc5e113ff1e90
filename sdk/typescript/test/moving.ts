/** A person moves between two running vaults, in Node: `node dist/test/moving.js FROM TO NETWORK TYPE`. Prints the report as JSON, for a test in Python. */

import { ed25519 } from "@noble/curves/ed25519.js";
import * as udi from "../src/index.js";
import { TestWallet } from "./provider.js";

const [from = "", to = "", network = "", type = ""] = process.argv.slice(2);
const [shop, book] = [new udi.Vault(from), new udi.Vault(to)];
const now = (): number => Math.floor(Date.now() / 1_000);
const { hex, utf8, concat } = udi.bytes;

const wallet = await udi.Wallet.open(new TestWallet(`0x${"37".repeat(32)}`));
const secret = new Uint8Array(32).fill(9);
const device = udi.parseKey(`ed25519-device:${hex(ed25519.getPublicKey(secret))}`);
const keys = [wallet.key, device].sort((one, other) => (one.text < other.text ? -1 : 1));
const zero = "00".repeat(32);
const action = { kind: "incept", guardians: [], keys, salt: "11".repeat(32) } as const;
const incept = await udi.signEvent(wallet, { account: zero, seq: 0, prior: zero, action, at: now() }, udi.schemaOf(network));
await shop.call("beginAccount", { parameters: {}, body: udi.encodeEvent(incept) });
await book.call("bringAccount", { parameters: {}, body: concat(udi.encodeEvent(incept), utf8("\n")) });

const application = shop.with(await shop.signIn(wallet, now(), "shop"));
await application.call("createRecord", { parameters: { type, "Idempotency-Key": "one" }, body: utf8('{"total":7}') });

const session = await shop.signIn(wallet, now());
const [mine, there] = [shop.with(session), book.with(await book.signIn(wallet, now()))];
const schema = udi.schemaOf(network);
const move = await udi.planMove(mine, there, { account: session.account, move: true, now: now() }, async (grant) => ({
  ...(await udi.signGrant(wallet, grant, schema)),
  cosigned: { key: device, signature: udi.signAsDevice(secret, udi.grantDigest(grant, schema)) },
}));
let report = await move.order();
while (report.transfer.state === "running") {
  await new Promise((done) => setTimeout(done, 50));
  report = await there.call("readTransfer", { parameters: { transfer: report.transfer.transfer }, body: undefined });
}
console.log(JSON.stringify({ ...report, text: move.text }));
