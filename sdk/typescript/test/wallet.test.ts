/** A wallet that another library plays: what it signs is what we meant. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { hashTypedData, recoverTypedDataAddress, type TypedDataDefinition } from "viem";
import { createSiweMessage, parseSiweMessage } from "viem/siwe";
import * as udi from "../src/index.js";
import { TestWallet } from "./provider.js";

const { hex, utf8 } = udi.bytes;
const SECRET = `0x${"11".repeat(32)}` as const;
const NOW = 1_800_000_000;
const HERE: udi.Expected = { domain: "shop.example", uri: "https://shop.example", chain: 1n, nonce: "0123456789abcdef", statement: "Sign in to the shop." };
const SCHEMA = udi.schemaOf("test:typescript");

function inception(key: udi.Key): udi.Event {
  const action: udi.Action = { kind: "incept", guardians: [], keys: [key], salt: "07".repeat(32) };
  return { account: udi.NOTHING, seq: 0, prior: udi.NOTHING, action, at: NOW };
}

test("a wallet signs in", async () => {
  const wallet = await udi.Wallet.open(new TestWallet(SECRET));
  const { message, signature } = await udi.signIn(wallet, HERE, NOW);
  assert.equal(udi.checkSignIn(utf8(message), signature, HERE, NOW + 60).domain, "shop.example");
  assert.equal(parseSiweMessage(message).address, udi.checksummed(wallet.address));
});

test("our message is the one that viem writes", async () => {
  const wallet = await udi.Wallet.open(new TestWallet(SECRET));
  const times = { issuedAt: new Date(NOW * 1_000), expirationTime: new Date((NOW + 300) * 1_000) };
  const account = new TestWallet(SECRET).account.address;
  const theirs = createSiweMessage({ domain: HERE.domain, uri: HERE.uri, nonce: HERE.nonce, statement: HERE.statement, address: account, chainId: 1, version: "1", ...times });
  assert.equal(udi.writeSignIn(HERE, wallet.address, NOW), theirs.replaceAll(".000Z", "Z"));
});

test("a wallet begins an account, and adds a key", async () => {
  const wallet = await udi.Wallet.open(new TestWallet(SECRET));
  const first = await udi.signEvent(wallet, inception(wallet.key), SCHEMA);
  const begun = udi.accept(null, first, SCHEMA, NOW);
  const other = udi.parseKey(`eip155-eoa:${"22".repeat(20)}`);
  const next: udi.Event = { account: begun.id, seq: 1, prior: begun.head, action: { kind: "add", key: other }, at: NOW + 9 };
  const added = udi.accept(begun, await udi.signEvent(wallet, next, SCHEMA), SCHEMA, NOW + 10);
  assert.deepEqual([...added.keys.keys()].sort(), [wallet.key.text, other.text].sort());
  assert.throws(() => udi.checkAct(added, other.text, "heavy", NOW + 10), { code: "account.young" });
  udi.checkAct(added, other.text, "grant", NOW + 10);
  assert.throws(() => udi.checkAct(added, "eip155-eoa:00", "read", NOW + 10), { code: "account.key" });
});

test("viem finds the same digest and signer", async () => {
  const wallet = await udi.Wallet.open(new TestWallet(SECRET));
  const event = inception(wallet.key);
  const typed = udi.forWallet(SCHEMA, "KeyEvent", udi.structOf(event)) as unknown as TypedDataDefinition;
  assert.equal(hashTypedData(typed), `0x${hex(udi.digestOf(event, SCHEMA))}`);
  const { signature } = await udi.signEvent(wallet, event, SCHEMA);
  assert.equal(await recoverTypedDataAddress({ ...typed, signature: `0x${hex(signature)}` }), udi.checksummed(wallet.address));
});

function grant(subject: Uint8Array): udi.Grant {
  const party = (app: string): udi.Party => ({ app, cluster: new Uint8Array(32), policy: new Uint8Array(32), account: new Uint8Array(32) });
  const scope: udi.Scope = { dataType: "org.example.order.v1", actions: ["read"], selector: { since: null, equal: [["a", 1]] }, schema: new Uint8Array(32) };
  const times = { notBefore: NOW, expires: NOW + 86_400, retention: 0 };
  const fixed = { id: new Uint8Array(16), textHash: new Uint8Array(32), nonce: new Uint8Array(32), kelSeq: 0, onward: 0, maxUses: 1 };
  return { ...fixed, ...times, subject, source: party("shop"), recipient: party("book"), scopes: [scope], purpose: "To show them", mode: 0 };
}

test("a wallet allows something, and takes it back", async () => {
  const wallet = await udi.Wallet.open(new TestWallet(SECRET));
  const allowed = await udi.signGrant(wallet, grant(new Uint8Array(32)), SCHEMA);
  assert.deepEqual(udi.decodeGrant(udi.encodeGrant(allowed)), allowed);
  const revoke: udi.Revoke = { grant: allowed.grant.id, subject: allowed.grant.subject, kelSeq: 0, at: NOW, erase: 1, nonce: new Uint8Array(32) };
  const back = await udi.signRevoke(wallet, revoke, SCHEMA);
  assert.deepEqual(udi.decodeRevoke(udi.encodeRevoke(back)), back);
});

test("viem finds the same digest of a grant", () => {
  const made = grant(new Uint8Array(32));
  const typed = udi.forWallet(SCHEMA, "Grant", udi.grantStruct(made)) as unknown as TypedDataDefinition;
  assert.equal(hashTypedData(typed), `0x${hex(udi.grantDigest(made, SCHEMA))}`);
  assert.deepEqual(Object.keys(typed.types ?? {}).sort(), ["EIP712Domain", "Grant", "Party", "Scope"]);
});

test("a wallet that signs something else is found out", async () => {
  class Liar extends TestWallet {
    override async request(ask: { method: string; params?: readonly unknown[] }): Promise<unknown> {
      if (ask.method === "eth_signTypedData_v4") return this.account.signMessage({ message: "something else" });
      if (ask.method === "personal_sign") return "0x";
      return super.request(ask);
    }
  }
  const wallet = await udi.Wallet.open(new Liar(SECRET));
  await assert.rejects(udi.signEvent(wallet, inception(wallet.key), SCHEMA), { code: "key.signer" });
  await assert.rejects(udi.signIn(wallet, HERE, NOW), { code: "signature.form" });
});

test("a wallet without accounts is refused", async () => {
  await assert.rejects(udi.Wallet.open({ request: async () => [] }), { code: "wallet.account" });
  await assert.rejects(udi.Wallet.open({ request: async () => null }), { code: "wallet.account" });
});
