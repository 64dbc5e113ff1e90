/** Sign-In with Ethereum, line by line. Source: EIP-4361; bounds and order of UDI/1, "Sign-in". */

import { same, unhex, utf8 } from "./bytes.js";
import { refuse } from "./errors.js";
import { checksummed, personalDigest, recover } from "./ethereum.js";
import { seconds } from "./rfc3339.js";
import { isAuthority, isScheme, isSegment, isUri } from "./rfc3986.js";

/** What a message says. Times are whole POSIX seconds; what it does not say is null, an unsaid scheme "". */
export interface SignIn {
  readonly scheme: string;
  readonly domain: string;
  readonly address: string;
  readonly statement: string | null;
  readonly uri: string;
  readonly chain: bigint;
  readonly nonce: string;
  readonly issued: number;
  readonly expires: number | null;
  readonly begins: number | null;
  readonly request: string | null;
  readonly resources: readonly string[] | null;
}

/** What a place asked to have signed; the scheme is that of `uri`. */
export interface Expected {
  readonly domain: string;
  readonly uri: string;
  readonly chain: bigint;
  readonly nonce: string;
  readonly statement: string;
}

const LARGEST = 4_096;
const SKEW = 120;
const LONGEST = 900;
const REQUEST = " wants you to sign in with your Ethereum account:";
const STATEMENT = /^[A-Za-z0-9._~!$&'()*+,;=:/?#[\]@ -]{1,1024}$/;

/** The message that a place accepts from an address (20 bytes), for `lasts` seconds from `now` on. */
export function writeSignIn(expected: Expected, address: Uint8Array, now: number, lasts = 300): string {
  const time = (at: number): string => `${new Date(at * 1000).toISOString().slice(0, 19)}Z`;
  return [
    `${expected.domain}${REQUEST}`,
    checksummed(address),
    "",
    expected.statement,
    "",
    `URI: ${expected.uri}`,
    "Version: 1",
    `Chain ID: ${expected.chain}`,
    `Nonce: ${expected.nonce}`,
    `Issued At: ${time(now)}`,
    `Expiration Time: ${time(now + lasts)}`,
  ].join("\n");
}

/** The fields of a message. Refuses: "siwe.size", "siwe.form". */
export function parseSignIn(message: Uint8Array): SignIn {
  if (message.length > LARGEST) refuse("siwe.size", `larger than ${LARGEST} bytes`);
  if (message.some((byte) => byte > 0x7f)) refuse("siwe.form", "not ASCII");
  const lines = new Lines(String.fromCharCode(...message).split("\n"));
  const head = lines.next();
  if (!head.endsWith(REQUEST)) malformed("the first line");
  const { scheme, domain } = asker(head.slice(0, -REQUEST.length));
  const address = lines.next();
  const octets = address.startsWith("0x") ? unhex(address.slice(2).toLowerCase()) : null;
  if (octets?.length !== 20 || checksummed(octets) !== address) malformed("the address");
  const said = { scheme, domain, address, statement: statement(lines), ...required(lines), ...optional(lines) };
  if (!lines.done) malformed("a line that is not known here");
  return said;
}

/** The fields of a message that its account signed here, now, for this. Refuses: "siwe.*", "signature.*". */
export function checkSignIn(message: Uint8Array, signature: Uint8Array, expected: Expected, now: number): SignIn {
  if (message.length > LARGEST) refuse("siwe.size", `larger than ${LARGEST} bytes`);
  const signer = recover(personalDigest(message), signature);
  const said = parseSignIn(message);
  if (!same(signer, unhex(said.address.slice(2).toLowerCase()) ?? new Uint8Array())) {
    refuse("siwe.signer", "another account signed");
  }
  const scheme = expected.uri.slice(0, Math.max(expected.uri.indexOf(":"), 0));
  if (said.domain !== expected.domain) refuse("siwe.domain", "for another domain");
  if (said.scheme !== "" && said.scheme !== scheme) refuse("siwe.domain", "for another scheme");
  if (said.uri !== expected.uri) refuse("siwe.uri", "for another URI");
  if (said.chain !== expected.chain) refuse("siwe.chain", "for another chain");
  if (said.nonce !== expected.nonce) refuse("siwe.nonce", "with another nonce");
  if (said.statement !== expected.statement) refuse("siwe.statement", "with another statement");
  if (said.request !== null || said.resources !== null) refuse("siwe.extra", "lines that nobody asked for");
  checkTime(said, now);
  return said;
}

function checkTime(said: SignIn, now: number): void {
  if (Math.abs(said.issued - now) > SKEW) refuse("siwe.issued", "not signed just now");
  if (said.expires === null || said.expires - said.issued > LONGEST) refuse("siwe.expiry", "it must end within minutes");
  if (said.expires <= now) refuse("siwe.expired", "it has ended");
  if (said.begins !== null && said.begins > now) refuse("siwe.early", "it has not begun");
}

function asker(text: string): { scheme: string; domain: string } {
  const mark = text.indexOf("://");
  const scheme = mark < 0 ? "" : text.slice(0, mark);
  const domain = mark < 0 ? text : text.slice(mark + 3);
  if ((mark >= 0 && !isScheme(scheme)) || !isAuthority(domain)) malformed("the domain");
  return { scheme, domain };
}

/** An empty line, the statement with another one, or only one more. */
function statement(lines: Lines): string | null {
  if (lines.next() !== "") malformed("an empty line is missing");
  const line = lines.next();
  if (line === "") return null;
  if (!STATEMENT.test(line)) malformed("the statement");
  if (lines.next() !== "") malformed("an empty line is missing");
  return line;
}

function required(lines: Lines): Pick<SignIn, "uri" | "chain" | "nonce" | "issued"> {
  const uri = lines.after("URI: ");
  if (!isUri(uri)) malformed("the URI");
  if (lines.after("Version: ") !== "1") malformed("the version");
  const chain = lines.after("Chain ID: ");
  if (!/^(?:0|[1-9][0-9]{0,18})$/.test(chain)) malformed("the chain");
  const nonce = lines.after("Nonce: ");
  if (!/^[A-Za-z0-9]{8,128}$/.test(nonce)) malformed("the nonce");
  return { uri, chain: BigInt(chain), nonce, issued: time(lines.after("Issued At: ")) };
}

function optional(lines: Lines): Pick<SignIn, "expires" | "begins" | "request" | "resources"> {
  const expires = lines.maybe("Expiration Time: ");
  const begins = lines.maybe("Not Before: ");
  const request = lines.maybe("Request ID: ");
  if (request !== null && !isSegment(request)) malformed("the request id");
  const said = { expires: expires === null ? null : time(expires), begins: begins === null ? null : time(begins), request };
  return { ...said, resources: resources(lines) };
}

function resources(lines: Lines): readonly string[] | null {
  const rest = lines.maybe("Resources:");
  if (rest === null) return null;
  if (rest !== "") malformed("the resources");
  const found: string[] = [];
  while (!lines.done) found.push(lines.after("- "));
  if (found.length > 32 || !found.every(isUri)) malformed("the resources");
  return found;
}

function time(text: string): number {
  return seconds(text) ?? malformed("a time");
}

function malformed(what: string): never {
  return refuse("siwe.form", `${what} is not as in EIP-4361`);
}

class Lines {
  #at = 0;

  constructor(private readonly lines: readonly string[]) {}

  get done(): boolean {
    return this.#at === this.lines.length;
  }

  next(): string {
    const line = this.lines[this.#at] ?? malformed("a line");
    this.#at += 1;
    return line;
  }

  /** The rest of the next line, which begins so. */
  after(label: string): string {
    return this.maybe(label) ?? malformed(label);
  }

  /** The same, or null if the next line begins otherwise. */
  maybe(label: string): string | null {
    const line = this.lines[this.#at];
    if (!line?.startsWith(label)) return null;
    this.#at += 1;
    return line.slice(label.length);
  }
}

/** The bytes of a message, as a wallet signs them. */
export function bytesOf(message: string): Uint8Array {
  return utf8(message);
}
