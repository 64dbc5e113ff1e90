/** A vault over HTTP: every operation of its description, typed; answers are bounded and of their promised form. */

import { type About, type Opened, OPERATIONS, type Operations, SCHEMAS } from "./api.js";
import { concat, hex, utf8 } from "./bytes.js";
import { refuse, Refused } from "./errors.js";
import { decodeEvent, encodeEvent, NOTHING, type SignedEvent } from "./event.js";
import { type Account, replay } from "./account.js";
import { isObject, type Json, parse, text } from "./json.js";
import { fits } from "./shape.js";
import { schemaOf } from "./forms.js";
import type { Expected } from "./siwe.js";
import { signEvent, signIn, type Wallet } from "./wallet.js";

const LARGEST = 32 << 20;
const DEEPEST = 64;
const CODE = /^[a-z0-9-]{1,30}(?:\.[a-z0-9-]{1,30}){0,3}$/;

export type Fetch = typeof globalThis.fetch;
type Asked<Name extends keyof Operations> = { readonly parameters: Operations[Name]["parameters"]; readonly body: Operations[Name]["body"] };

export interface Answer<Name extends keyof Operations> {
  readonly value: Operations[Name]["answer"];
  readonly headers: Headers;
}

/** Calls one vault, for nobody or, with a token, in a session. */
export class Vault {
  readonly #fetch: Fetch;
  readonly #token: string;

  /** @param url of its site, such as "https://shop.example", without a path. */
  constructor(
    readonly url: string,
    { token = "", fetch = globalThis.fetch.bind(globalThis) }: { readonly token?: string; readonly fetch?: Fetch } = {},
  ) {
    if (new URL(url).origin !== url) refuse("vault.place", "not the address of a site");
    this.#fetch = fetch;
    this.#token = token;
  }

  /** The same vault, in a session. */
  with(session: Opened): Vault {
    return new Vault(this.url, { token: session.token, fetch: this.#fetch });
  }

  /** One operation. Refuses: what the vault refuses, by its code; "vault.answer" if no vault answers so. */
  async call<Name extends keyof Operations>(name: Name, asked: Asked<Name>): Promise<Operations[Name]["answer"]> {
    return (await this.ask(name, asked)).value;
  }

  /** The same, with the headers of the answer: the ETag of a record, a Location. */
  async ask<Name extends keyof Operations>(name: Name, { parameters, body }: Asked<Name>): Promise<Answer<Name>> {
    const operation = OPERATIONS[name];
    const { path, query, headers } = placed(String(operation["path"]), operation["parameters"], parameters);
    const sent = body instanceof Uint8Array ? new Uint8Array(body) : body === undefined ? null : JSON.stringify(body);
    if (sent !== null) headers.set("Content-Type", String(operation["sends"]));
    if (this.#token !== "") headers.set("Authorization", `Bearer ${this.#token}`);
    const asked = { method: String(operation["method"]), headers, body: sent, redirect: "error", credentials: "omit" } as const;
    const answer = await this.#fetch(`${this.url}${path}${query}`, asked);
    const octets = await bounded(answer);
    if (!answer.ok) return refusal(octets);
    return { value: shaped<Name>(octets, String(operation["answer"])), headers: answer.headers };
  }

  async about(): Promise<About> {
    return this.call("readAbout", { parameters: {}, body: undefined });
  }

  /** Begin an account whose only key is the wallet's, and sign in as its owner; `now` is POSIX seconds. */
  async begin(wallet: Wallet, now: number): Promise<Opened> {
    const about = await this.about();
    const salt = hex(crypto.getRandomValues(new Uint8Array(32)));
    const action = { kind: "incept", guardians: [], keys: [wallet.key], salt } as const;
    const event = { account: NOTHING, seq: 0, prior: NOTHING, action, at: now };
    const signed = await signEvent(wallet, event, schemaOf(about.network));
    await this.call("beginAccount", { parameters: {}, body: encodeEvent(signed) });
    return this.signIn(wallet, now);
  }

  /**
   * Open a session of the owner, or of an application. What is signed is made here: a vault that asks for anything
   * else is refused ("vault.place").
   */
  async signIn(wallet: Wallet, now: number, app = ""): Promise<Opened> {
    const about = await this.about();
    const asked = await this.call("askSignIn", { parameters: {}, body: { app } });
    const expected = expectedOf(about, this.url, app, asked.nonce);
    if (asked.uri !== expected.uri || asked.statement !== expected.statement) refuse("vault.place", "the vault asks for something else");
    const { message, signature } = await signIn(wallet, expected, now);
    return this.call("signInWithEthereum", { parameters: {}, body: { app, message, signature: hex(signature) } });
  }

  /** An account as its own log says: every signature is checked here. Refuses: "vault.log", and all that `replay` refuses. */
  async account(id: string): Promise<Account> {
    const [{ network }, log] = [await this.about(), await this.events(id)];
    const account = replay(log, schemaOf(network));
    return account.id === id ? account : refuse("vault.log", "the log of another account");
  }

  /** The key events of an account. */
  async events(id: string): Promise<SignedEvent[]> {
    const lines = (text(await this.call("readKeyEvents", { parameters: { account: id }, body: undefined })) ?? "").split("\n");
    return lines.filter((each) => each !== "").map((each) => decodeEvent(utf8(each)));
  }

  /** Hand in the next key event of an account. */
  async append(id: string, signed: SignedEvent): Promise<void> {
    await this.call("appendKeyEvent", { parameters: { account: id }, body: encodeEvent(signed) });
  }
}

/** What a session's sign-in says. Source: UDI/1, "Sessions". */
function expectedOf(about: About, url: string, app: string, nonce: string): Expected {
  // An application that shares a vault sends on to it: then the session is opened at the application's own address.
  if (about.udi !== "1" || (about.site !== url && about.apps[app] !== url)) refuse("vault.place", "the vault says to be elsewhere, or of another version");
  const uri = app === "" ? about.site : (about.apps[app] ?? refuse("vault.app", "no such application there"));
  const statement = app === "" ? "Open my data: read, move, export, erase it." : `Let ${app} keep and read what it stores for me.`;
  return { domain: uri.slice(uri.indexOf("://") + 3), uri, chain: BigInt(about.chain), nonce, statement };
}

/** Each parameter where its description puts it. */
function placed(path: string, places: Json | undefined, given: Readonly<Record<string, unknown>>): { path: string; query: string; headers: Headers } {
  const [query, headers] = [new URLSearchParams(), new Headers()];
  let filled = path;
  for (const [name, value] of Object.entries(given)) {
    const where = isObject(places) ? places[name] : undefined;
    if (value === undefined) continue;
    if (where === "path") filled = filled.replace(`{${name}}`, encodeURIComponent(String(value)));
    else if (where === "header") headers.set(name, String(value));
    else query.set(name, String(value));
  }
  return { path: filled, query: query.size > 0 ? `?${query.toString()}` : "", headers };
}

async function bounded(answer: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = answer.body?.getReader();
  for (;;) {
    const part = await reader?.read();
    if (part?.value === undefined) return concat(...parts);
    size += part.value.length;
    if (size > LARGEST) {
      await reader?.cancel();
      return refuse("vault.answer", "the answer is too large");
    }
    parts.push(part.value);
  }
}

function shaped<Name extends keyof Operations>(octets: Uint8Array, type: string): Operations[Name]["answer"] {
  if (type === "Uint8Array") return octets as Operations[Name]["answer"];
  const value = type === "undefined" ? undefined : read(octets);
  const right = value === undefined ? type === "undefined" : type === "JsonObject" ? isObject(value) : fits(value, { $ref: type }, SCHEMAS);
  return right ? (value as Operations[Name]["answer"]) : refuse("vault.answer", "an answer of another form");
}

function refusal(octets: Uint8Array): never {
  const value = read(octets);
  const code = isObject(value) ? value["type"] : undefined;
  const title = isObject(value) ? value["title"] : undefined;
  if (typeof code !== "string" || !CODE.test(code)) return refuse("vault.answer", "what answers there is no vault");
  throw new Refused(code, String(title).slice(0, 300));
}

function read(octets: Uint8Array): Json | undefined {
  try {
    return parse(text(octets) ?? "", DEEPEST);
  } catch {
    return undefined;
  }
}
