/** For pages of an application whose vault is at the page's own address: who is there, and what they allow whom. */

import { BrowserKey } from "./browser-key.js";
import { base64url, hex, utf8 } from "./bytes.js";
import type { TransferReport } from "./api.js";
import { consentText, type Described, textHash } from "./consent.js";
import { described, octets, policyOf } from "./described.js";
import { refuse, Refused } from "./errors.js";
import { encodeEvent, NOTHING } from "./event.js";
import { schemaOf } from "./forms.js";
import { decodeGrant, encodeGrant, encodeRevoke, type Grant, grantDigest, type Party } from "./grant.js";
import { isObject, type Json, type JsonObject } from "./json.js";
import { policyHash, type ReleasePolicy } from "./policy.js";
import { parseSelector } from "./selector.js";
import { Vault } from "./vault.js";
import { type Provider, signEvent, signGrant, signRevoke, Wallet } from "./wallet.js";

declare global {
  interface Window {
    /** What a wallet injects. Source: EIP-1193. */
    readonly ethereum?: Provider;
  }
}

const here = new Vault(location.origin);
const DAY = 86_400;
const now = (): number => Math.floor(Date.now() / 1_000);
let settled: Promise<unknown> = Promise.resolve();
const random = (size: number): Uint8Array => crypto.getRandomValues(new Uint8Array(size));

/** The wallet of this browser. Refuses: "wallet.none", "wallet.account". */
export async function wallet(): Promise<Wallet> {
  if (window.ethereum === undefined) return refuse("wallet.none", "this browser has no wallet");
  return Wallet.open(window.ethereum);
}

/** Sign in to an application; whoever has no account here begins one. The browser keeps the session, no script does. */
export async function signIn(app: string): Promise<void> {
  await settled; // whoever signs in while their account is still being brought would begin a second one
  const opened = await enter(await wallet(), app);
  await call("POST", "/udi/cookie", undefined, opened.token);
}

/** End the session that the browser keeps. */
export async function signOut(): Promise<void> {
  await call("DELETE", "/udi/cookie");
}

/**
 * A session of one's own, for as long as this page is open: with it one exports and erases. Refuses: "page.elsewhere"
 * where the application only shares a vault: wallets sign for the address that they are asked from.
 */
export async function own(): Promise<Vault> {
  const { site } = await here.about();
  if (site !== location.origin) refuse("page.elsewhere", `this is kept by the vault at ${site}: ask there, with cyberprivacy my`);
  return here.with(await enter(await wallet(), ""));
}

/** Everything that is kept of this person here, in one archive. */
export async function takeOut(): Promise<Blob> {
  const mine = await own();
  let job = await mine.call("beginExport", { parameters: {}, body: undefined });
  while (job.state === "waiting") {
    await new Promise((done) => setTimeout(done, 200));
    job = await mine.call("readExport", { parameters: { job: job.id }, body: undefined });
  }
  if (job.state === "failed") refuse(job.code, "the archive could not be made");
  const archive = await mine.call("readArchive", { parameters: { job: job.id }, body: undefined });
  return new Blob([new Uint8Array(archive)], { type: "application/zip" });
}

/** Erase all that this application keeps of this person; its signed receipt. */
export async function erase(app: string): Promise<Json> {
  const mine = await own();
  let job = await mine.call("erase", { parameters: {}, body: { what: "owner", app, name: "" } });
  while (job.receipt === null) {
    await new Promise((done) => setTimeout(done, 200));
    job = await mine.call("readErasure", { parameters: { erasure: job.id }, body: undefined });
  }
  return job.receipt;
}

/** The address of another application's page, to which this person's account is brought along. */
export async function bringTo(page: string): Promise<string> {
  const { account } = await me();
  const log = (await here.events(account)).map(encodeEvent).flatMap((each) => [...each, 0x0a]);
  return `${page}/#account=${base64url(Uint8Array.from(log))}`;
}

/** The address of a source's page, where this person is asked whether this application may have their records. */
export async function askAt(page: string, type: string, purpose: string): Promise<string> {
  const [{ person }, party] = [await me(), await call("GET", "/udi/v1/party")];
  return `${page}/#offer=${base64url(utf8(JSON.stringify({ ...party, account: person, type, purpose, back: location.origin })))}`;
}

/** The address of a source's page, where this person is asked whether everything that it keeps of them moves here. */
export async function askMove(page: string, purpose: string): Promise<string> {
  const [{ person }, party] = [await me(), await call("GET", "/udi/v1/party")];
  return `${page}/#offer=${base64url(utf8(JSON.stringify({ ...party, account: person, move: true, purpose, back: location.origin })))}`;
}

/** A move that begins: the vault here brings everything in by itself. `report` waits for its end, and for the receipt that both vaults signed. */
export interface Moving {
  readonly report: () => Promise<TransferReport>;
}

/** What another application asks for at this page: show `text`; `accept` signs it and gives the address to go on to. */
export interface Offer {
  readonly text: string;
  readonly accept: () => Promise<string>;
}

export type Arrived = Offer | Moving | "account" | "grant" | null;

/** What this page was opened with: an account that is brought, a grant that was given, an offer that waits, a move that begins. */
export function arrive(): Promise<Arrived> {
  const coming = arrived();
  settled = coming.catch(() => null);
  return coming;
}

async function arrived(): Promise<Arrived> {
  const [, kind, text] = /^#(account|grant|move|offer)=([A-Za-z0-9_-]+)$/.exec(location.hash) ?? [];
  if (kind === undefined || text === undefined) return null;
  history.replaceState(null, "", location.pathname);
  const octets = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
  if (kind === "offer") return offer(json(octets));
  if (kind === "move") return moving(json(octets));
  await call("POST", kind === "account" ? "/udi/v1/accounts:bring" : "/udi/followings", octets);
  return kind === "account" ? "account" : "grant";
}

/** Take a grant back; with `erase`, the recipient also erases what it got. */
export async function takeBack(grant: string, erase = false): Promise<void> {
  const [{ account }, { network }, signer] = [await me(), await here.about(), await wallet()];
  const { seq } = await here.account(account);
  const said = { grant: octets(grant, 16), subject: octets(account, 32), kelSeq: seq, at: now(), erase: erase ? 1 : 0, nonce: random(32) } as const;
  await call("POST", "/udi/v1/grants:revoke", encodeRevoke(await signRevoke(signer, said, schemaOf(network))));
}

async function enter(signer: Wallet, app: string): ReturnType<Vault["signIn"]> {
  try {
    return await here.signIn(signer, now(), app);
  } catch (error) {
    if (!(error instanceof Refused && error.code === "session.no-account")) throw error;
  }
  await begin(signer);
  return here.signIn(signer, now(), app);
}

/** An account of two keys: the wallet's, and one of this browser, which signs beside it what is dangerous. */
async function begin(signer: Wallet): Promise<void> {
  const keys = [signer.key, (await BrowserKey.make()).key];
  const action = { kind: "incept", guardians: [], keys: keys.toSorted((one, other) => (one.text < other.text ? -1 : 1)), salt: hex(random(32)) } as const;
  const event = { account: NOTHING, seq: 0, prior: NOTHING, action, at: now() };
  const signed = await signEvent(signer, event, schemaOf((await here.about()).network));
  await here.call("beginAccount", { parameters: {}, body: encodeEvent(signed) });
}

/** Whether an offer can be shown, and what signing it does. Refuses: "page.offer", "recipient.*", "consent.*". */
async function offer(value: Json): Promise<Offer> {
  if (!isObject(value)) return refuse("page.offer", "not an offer");
  const [{ person, account }, { network }, mine] = [await me(), await here.about(), await call("GET", "/udi/v1/party")];
  const back = new Vault(textOf(value, "back")).url; // the address of a site, and nothing that a browser would run
  const [policy, own, move] = [policyOf(value["policy"]), policyOf(mine["policy"]), value["move"] === true];
  const names = move ? own.types.filter((each) => policy.types.includes(each)) : [textOf(value, "type")];
  if (names.length === 0) return refuse("page.offer", "nothing that is kept here is taken there");
  const types = new Map(await Promise.all(names.map(declared)));
  const [from, until] = [now(), now() + (move ? 7 : 90) * DAY];
  const grant: Grant = {
    id: random(16),
    subject: octets(account, 32),
    kelSeq: (await here.account(account)).seq,
    source: party(mine, own, person),
    recipient: party(value, policy, textOf(value, "account")),
    scopes: [...types].map(([dataType, { schema }]) => ({ dataType, actions: move ? ["read"] : ["read", "subscribe"], selector: parseSelector("all"), schema })),
    purpose: textOf(value, "purpose"),
    mode: move ? 2 : 1,
    maxUses: move ? 1 : 0,
    notBefore: from,
    expires: until,
    retention: 0,
    onward: 0,
    textHash: new Uint8Array(32),
    nonce: random(32),
  };
  const text = consentText(grant, policy, types, navigator.language.startsWith("de") ? "de" : "en");
  const accept = async (): Promise<string> => {
    const signed = encodeGrant(await both({ ...grant, textHash: textHash(text) }, network));
    if (move) return `${back}/#move=${base64url(utf8(JSON.stringify({ signed: json(signed), source: location.origin, holder: mine["holder"] })))}`;
    const sent = { signed: json(signed), policy: value["policy"] ?? null, holder: textOf(value, "holder"), site: textOf(value, "site") };
    await call("POST", "/udi/v1/grants", utf8(JSON.stringify(sent)));
    return `${back}/#grant=${base64url(signed)}`;
  };
  return { text, accept };
}

/** A type that is declared here, by its name. */
async function declared(name: string): Promise<[string, Described]> {
  const type = await here.call("readType", { parameters: { type: name }, body: undefined });
  return [name, described(type.digest, type.schema as Json)];
}

/** Order what was signed at the source; this vault pulls it. */
async function moving(said: Json): Promise<Moving> {
  if (!isObject(said)) return refuse("page.offer", "not a move");
  const [mine, body] = [await own(), { signed: said["signed"] ?? null, source: textOf(said, "source"), holder: textOf(said, "holder") }];
  let report = await mine.call("orderTransfer", { parameters: {}, body });
  const { transfer } = report.transfer;
  return {
    report: async (): Promise<TransferReport> => {
      while (report.transfer.state === "running") {
        await new Promise((done) => setTimeout(done, 200));
        report = await mine.call("readTransfer", { parameters: { transfer }, body: undefined });
      }
      return report.transfer.state === "done" ? report : refuse(report.transfer.why || "transfer.incomplete", "not everything could be brought");
    },
  };
}

/** Signed by the wallet, and by this browser's own key where it has one. */
async function both(grant: Grant, network: string): Promise<ReturnType<typeof decodeGrant>> {
  const [schema, device] = [schemaOf(network), await BrowserKey.find()];
  const signed = await signGrant(await wallet(), grant, schema);
  if (device === null) return signed;
  return { ...signed, cosigned: { key: device.key, signature: await device.sign(grantDigest(grant, schema)) } };
}

/** Who is signed in here, as the application and as they themselves know it. */
async function me(): Promise<{ readonly person: string; readonly account: string }> {
  const said = await call("GET", "/udi/cookie");
  return { person: textOf(said, "person"), account: textOf(said, "account") };
}

function party(said: JsonObject, policy: ReleasePolicy, account: string): Party {
  return { app: textOf(said, "app"), cluster: octets(textOf(said, "cluster"), 32), policy: policyHash(policy), account: octets(account, 32) };
}

/** A request to this page's own address, beside the vault's typed operations. */
async function call(method: string, path: string, body?: Uint8Array, token = ""): Promise<JsonObject> {
  const headers: Record<string, string> = token === "" ? {} : { Authorization: `Bearer ${token}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body === undefined ? null : new Uint8Array(body), redirect: "error" });
  const said = await answer.text();
  const value: Json = said === "" ? {} : (JSON.parse(said) as Json);
  if (!isObject(value)) return refuse("vault.answer", "an answer of another form");
  if (!answer.ok) throw new Refused(textOf(value, "type"), textOf(value, "title"));
  return value;
}

function textOf(value: JsonObject, name: string): string {
  const found = value[name];
  return typeof found === "string" ? found : refuse("vault.answer", `no ${name}`);
}

function json(bytes: Uint8Array): Json {
  return JSON.parse(new TextDecoder().decode(bytes)) as Json;
}
