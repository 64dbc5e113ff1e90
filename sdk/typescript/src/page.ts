/** For pages of an application whose vault is at the page's own address: who is there, by their wallet. */

import { hex } from "./bytes.js";
import { refuse, Refused } from "./errors.js";
import { encodeEvent, NOTHING } from "./event.js";
import { schemaOf } from "./forms.js";
import type { JsonObject } from "./json.js";
import type { Expected } from "./siwe.js";
import { number, string, Vault } from "./vault.js";
import { type Provider, signEvent, signIn as signMessage, Wallet } from "./wallet.js";

declare global {
  interface Window {
    /** What a wallet injects. Source: EIP-1193. */
    readonly ethereum?: Provider;
  }
}

const here = new Vault("");
const now = (): number => Math.floor(Date.now() / 1_000);

/** The wallet of this browser. Refuses: "wallet.none", "wallet.account". */
export async function wallet(): Promise<Wallet> {
  if (window.ethereum === undefined) return refuse("wallet.none", "this browser has no wallet");
  return Wallet.open(window.ethereum);
}

/** Sign in to an application; whoever has no account here begins one. The browser keeps the session, no script does. */
export async function signIn(app: string): Promise<void> {
  const opened = await enter(app);
  await new Vault("", string(opened, "token")).ask("POST", "/udi/cookie");
}

/** End the session that the browser keeps. */
export async function signOut(): Promise<void> {
  await here.ask("DELETE", "/udi/cookie");
}

/** A session of one's own, for as long as this page is open: with it one exports, erases, takes grants back. */
export async function own(): Promise<Vault> {
  return new Vault("", string(await enter(""), "token"));
}

async function enter(app: string): Promise<JsonObject> {
  const about = await here.ask("GET", "/.well-known/udi");
  const signer = await wallet();
  try {
    return await open(signer, app, about);
  } catch (error) {
    if (!(error instanceof Refused && error.code === "session.no-account")) throw error;
  }
  await begin(signer, string(about, "network"));
  return open(signer, app, about);
}

/** What is signed is made here: a vault that asks for more than this session needs gets no signature. */
async function open(signer: Wallet, app: string, about: JsonObject): Promise<JsonObject> {
  const asked = await here.ask("POST", "/udi/v1/auth/nonce", { app });
  const statement = app === "" ? "Open my data: read, move, export, erase it." : `Let ${app} keep and read what it stores for me.`;
  const expected: Expected = {
    domain: location.host,
    uri: location.origin,
    chain: BigInt(number(about, "chain")),
    nonce: string(asked, "nonce"),
    statement,
  };
  const { message, signature } = await signMessage(signer, expected, now());
  return here.ask("POST", "/udi/v1/auth/siwe", { app, message, signature: hex(signature) });
}

async function begin(signer: Wallet, network: string): Promise<void> {
  const salt = hex(crypto.getRandomValues(new Uint8Array(32)));
  const action = { kind: "incept", guardians: [], keys: [signer.key], salt } as const;
  const signed = await signEvent(signer, { account: NOTHING, seq: 0, prior: NOTHING, action, at: now() }, schemaOf(network));
  await here.ask("POST", "/udi/v1/accounts", new Uint8Array(encodeEvent(signed)));
}
