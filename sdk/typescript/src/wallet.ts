/** Whoever signs: a wallet that speaks EIP-1193, or a passkey of the browser. Signatures come back checked. */

import { base64url, hex, unhex, utf8 } from "./bytes.js";
import { refuse, Refused } from "./errors.js";
import { checksummed } from "./ethereum.js";
import { type Event, type SignedEvent, structOf } from "./event.js";
import { type Grant, grantStruct, type Revoke, revokeStruct, type SignedGrant, type SignedRevoke } from "./grant.js";
import { checkSignature, type Key, keyOfAddress } from "./key.js";
import { type Assertion, encodeAssertion } from "./passkey.js";
import { checkSignIn, type Expected, writeSignIn } from "./siwe.js";
import { digest, forWallet, type Schema, type Struct } from "./typed-data.js";

/** What a wallet injects into a page. Source: EIP-1193. */
export interface Provider {
  request(ask: { readonly method: string; readonly params?: readonly unknown[] }): Promise<unknown>;
}

/** One account of a wallet. */
export class Wallet {
  private constructor(
    readonly provider: Provider,
    /** 20 bytes. */
    readonly address: Uint8Array,
  ) {}

  /** Ask the person for an account. Refuses: "wallet.account". */
  static async open(provider: Provider): Promise<Wallet> {
    const found = await provider.request({ method: "eth_requestAccounts" });
    const first: unknown = Array.isArray(found) ? found[0] : undefined;
    const address = octets(first);
    if (address?.length !== 20) return refuse("wallet.account", "the wallet gave no account");
    return new Wallet(provider, address);
  }

  get key(): Key {
    return keyOfAddress(this.address);
  }

  /** A signature of 65 bytes, or whatever else the wallet answers. Refuses: "wallet.answer". */
  async ask(method: string, ...params: readonly unknown[]): Promise<Uint8Array> {
    return octets(await this.provider.request({ method, params })) ?? refuse("wallet.answer", "the wallet gave no bytes");
  }
}

/** A message and its signature, as the place that expects it will accept them; `now` is POSIX seconds. */
export async function signIn(wallet: Wallet, expected: Expected, now: number): Promise<{ message: string; signature: Uint8Array }> {
  const message = writeSignIn(expected, wallet.address, now);
  const bytes = utf8(message);
  const signature = await wallet.ask("personal_sign", `0x${hex(bytes)}`, checksummed(wallet.address));
  checkSignIn(bytes, signature, expected, now);
  return { message, signature };
}

/** An event that the wallet signed. Refuses what the wallet signed instead. */
export async function signEvent(wallet: Wallet, event: Event, schema: Schema): Promise<SignedEvent> {
  const signature = await signTyped(wallet, schema, "KeyEvent", structOf(event));
  return { event, key: wallet.key, signature };
}

/** A grant that the wallet signed. Refuses what the wallet signed instead. */
export async function signGrant(wallet: Wallet, grant: Grant, schema: Schema): Promise<SignedGrant> {
  const signature = await signTyped(wallet, schema, "Grant", grantStruct(grant));
  return { grant, proof: { key: wallet.key, signature } };
}

/** A revocation that the wallet signed. Refuses what the wallet signed instead. */
export async function signRevoke(wallet: Wallet, revoke: Revoke, schema: Schema): Promise<SignedRevoke> {
  const signature = await signTyped(wallet, schema, "Revoke", revokeStruct(revoke));
  return { revoke, proof: { key: wallet.key, signature } };
}

async function signTyped(wallet: Wallet, schema: Schema, name: string, value: Struct): Promise<Uint8Array> {
  const typed = JSON.stringify(forWallet(schema, name, value));
  const signature = await wallet.ask("eth_signTypedData_v4", checksummed(wallet.address), typed);
  checkSignature(wallet.key, digest(schema, name, value), signature);
  return signature;
}

/**
 * The signature of a passkey under a digest, by `navigator.credentials`.
 *
 * @param credential its id, or nothing to let the person choose.
 */
export async function askPasskey(digest: Uint8Array, rpId: string, credential?: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const publicKey: PublicKeyCredentialRequestOptions = { challenge: new Uint8Array(digest), rpId, userVerification: "required" };
  if (credential !== undefined) publicKey.allowCredentials = [{ type: "public-key", id: credential }];
  const found = await navigator.credentials.get({ publicKey });
  if (!(found instanceof PublicKeyCredential) || !(found.response instanceof AuthenticatorAssertionResponse)) {
    throw new Refused("passkey.form", `no assertion for ${base64url(digest)}`);
  }
  const { authenticatorData, clientDataJSON, signature } = found.response;
  const assertion: Assertion = {
    authenticatorData: new Uint8Array(authenticatorData),
    clientData: new Uint8Array(clientDataJSON),
    signature: new Uint8Array(signature),
  };
  return encodeAssertion(assertion);
}

function octets(value: unknown): Uint8Array | null {
  return typeof value === "string" && value.startsWith("0x") ? unhex(value.slice(2).toLowerCase()) : null;
}
