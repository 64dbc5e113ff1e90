/** For pages of an application whose vault is at the page's own address: who is there, and what they allow whom. */

import { BrowserKey } from "./browser-key.js";
import { base64url, hex, unhex, utf8 } from "./bytes.js";
import { type Described, consentText, textHash, type Titles } from "./consent.js";
import { refuse, Refused } from "./errors.js";
import { encodeEvent, NOTHING } from "./event.js";
import { schemaOf } from "./forms.js";
import { decodeGrant, encodeGrant, encodeRevoke, type Grant, grantDigest, type Party } from "./grant.js";
import { isObject, type Json, type JsonObject } from "./json.js";
import { decodePolicy, policyHash, type ReleasePolicy } from "./policy.js";
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
const random = (size: number): Uint8Array => crypto.getRandomValues(new Uint8Array(size));

/** The wallet of this browser. Refuses: "wallet.none", "wallet.account". */
export async function wallet(): Promise<Wallet> {
  if (window.ethereum === undefined) return refuse("wallet.none", "this browser has no wallet");
  return Wallet.open(window.ethereum);
}

/** Sign in to an application; whoever has no account here begins one. The browser keeps the session, no script does. */
export async function signIn(app: string): Promise<void> {
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

/** What another application asks for at this page: show `text`; `accept` signs it and gives the address to go on to. */
export interface Offer {
  readonly text: string;
  readonly accept: () => Promise<string>;
}

/** What this page was opened with: an account that is brought, a grant that was given, an offer that waits. */
export async function arrive(): Promise<Offer | "account" | "grant" | null> {
  const [, kind, text] = /^#(account|grant|offer)=([A-Za-z0-9_-]+)$/.exec(location.hash) ?? [];
  if (kind === undefined || text === undefined) return null;
  history.replaceState(null, "", location.pathname);
  const octets = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
  if (kind === "offer") return offer(JSON.parse(new TextDecoder().decode(octets)) as Json);
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
  const [policy, type] = [policyOf(value["policy"]), await here.call("readType", { parameters: { type: textOf(value, "type") }, body: undefined })];
  const types = new Map([[type.name, described(type.digest, type.schema as Json)]]);
  const [from, until] = [now(), now() + 90 * DAY];
  const grant: Grant = {
    id: random(16),
    subject: octets(account, 32),
    kelSeq: (await here.account(account)).seq,
    source: party(mine, policyOf(mine["policy"]), person),
    recipient: party(value, policy, textOf(value, "account")),
    scopes: [{ dataType: type.name, actions: ["read", "subscribe"], selector: parseSelector("all"), schema: octets(type.digest, 32) }],
    purpose: textOf(value, "purpose"),
    mode: 1,
    maxUses: 0,
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
    const sent = { signed: json(signed), policy: value["policy"] ?? null, holder: textOf(value, "holder"), site: textOf(value, "site") };
    await call("POST", "/udi/v1/grants", utf8(JSON.stringify(sent)));
    return `${textOf(value, "back")}/#grant=${base64url(signed)}`;
  };
  return { text, accept };
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

function policyOf(value: Json | undefined): ReleasePolicy {
  // Canonical JSON has sorted names, and so has what `sorted` writes: no value in a policy is a fraction.
  return decodePolicy(utf8(JSON.stringify(sorted(value ?? null))));
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name] ?? null)]));
}

/** A declared type in people's words. Source: UDI/1, "Consent texts". */
function described(digest: string, schema: Json): Described {
  const properties = isObject(schema) && isObject(schema["properties"]) ? schema["properties"] : {};
  const whole = isSensitive(schema);
  const fields = Object.keys(properties)
    .sort()
    .map((name) => ({ titles: titlesOf(properties[name], name), sensitive: whole || isSensitive(properties[name]) }));
  return { schema: octets(digest, 32), titles: titlesOf(schema, ""), fields };
}

function isSensitive(schema: Json | undefined): boolean {
  const said = isObject(schema) ? schema["x-sensitivity"] : undefined;
  return said !== undefined && said !== "normal";
}

function titlesOf(schema: Json | undefined, name: string): Titles {
  const title = isObject(schema) ? schema["title"] : undefined;
  if (!isObject(schema) || typeof title !== "string") return { en: name };
  const others = isObject(schema["titles"]) ? schema["titles"] : {};
  return { ...Object.fromEntries(Object.entries(others).map(([language, words]) => [language, String(words)])), en: title };
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

function octets(text: string, size: number): Uint8Array {
  const found = unhex(text);
  return found?.length === size ? found : refuse("vault.answer", `not ${size} bytes in hex`);
}

function json(bytes: Uint8Array): Json {
  return JSON.parse(new TextDecoder().decode(bytes)) as Json;
}
