/** Requests between applications, signed in the one form. Source: RFC 9421, RFC 9530; UDI/1, "Between applications". */

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { base64, hex, unbase64, unhex, utf8 } from "./bytes.js";
import { verifies } from "./ed25519.js";
import { refuse } from "./errors.js";

/** What is asked, of whom: `authority` is that of the vault's site, `path` without its query; `body` only if there is one. */
export interface SignableRequest {
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  readonly body?: Uint8Array | undefined;
}

const SKEW = 120;
const INPUT = /^udi=(\("@method" "@authority" "@path"( "content-digest")?\);created=([1-9][0-9]{0,11});keyid="([0-9a-f]{64})";alg="ed25519")$/;
const SIGNATURE = /^udi=:([A-Za-z0-9+/]{86}==):$/;

/** The headers of a request, signed by an Ed25519 key whose secret has 32 bytes; `now` is POSIX seconds. */
export function signRequest(request: SignableRequest, secret: Uint8Array, now: number): Readonly<Record<string, string>> {
  const covered = `"@method" "@authority" "@path"${request.body === undefined ? "" : ' "content-digest"'}`;
  const parameters = `(${covered});created=${Math.floor(now)};keyid="${hex(ed25519.getPublicKey(secret))}";alg="ed25519"`;
  const signature = base64(ed25519.sign(base(request, parameters), secret));
  const digest = request.body === undefined ? {} : { "Content-Digest": digestOf(request.body) };
  return { "Signature-Input": `udi=${parameters}`, Signature: `udi=:${signature}:`, ...digest };
}

/**
 * The Ed25519 key, 32 bytes, that signed a request; whether it may ask is for the caller to say.
 *
 * Names of headers are compared without regard to case. Refuses: "request.signature", "request.digest", "request.time".
 */
export function checkRequest(request: SignableRequest, headers: Readonly<Record<string, string | undefined>>, now: number): Uint8Array {
  const given = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const input = INPUT.exec(given.get("signature-input") ?? "");
  const spelled = SIGNATURE.exec(given.get("signature") ?? "");
  const misshapen = (): never => refuse("request.signature", "not signed in the form of vaults");
  if (input === null || spelled === null) return misshapen();
  const [, parameters = "", digested, created, keyid = ""] = input;
  if ((digested === undefined) !== (request.body === undefined)) return misshapen();
  if (request.body !== undefined && given.get("content-digest") !== digestOf(request.body)) {
    refuse("request.digest", "another body than the one that was signed");
  }
  const [key, signature] = [unhex(keyid), unbase64(spelled[1] ?? "")];
  if (key === null || signature === null) return misshapen();
  if (!verifies(key, base(request, parameters), signature)) refuse("request.signature", "signed otherwise");
  if (Math.abs(Number(created) - now) > SKEW) refuse("request.time", "not signed just now");
  return key;
}

/** What is really signed. Source: RFC 9421 section 2.5. */
function base({ method, authority, path, body }: SignableRequest, parameters: string): Uint8Array {
  const digest = body === undefined ? "" : `"content-digest": ${digestOf(body)}\n`;
  return utf8(`"@method": ${method}\n"@authority": ${authority}\n"@path": ${path}\n${digest}"@signature-params": ${parameters}`);
}

function digestOf(body: Uint8Array): string {
  return `sha-256=:${base64(sha256(body))}:`;
}
