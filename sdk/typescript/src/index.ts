/** UDI/1 for TypeScript. The normative text is docs/spec/udi-1.md of CyberPrivacy. */

export { Refused } from "./errors.js";
export * as bytes from "./bytes.js";
export * as canonical from "./canonical.js";
export * as merkle from "./merkle.js";
export type { Json, JsonObject } from "./json.js";
export * from "./account.js";
export * from "./event.js";
export { addressOf, checksummed, personalDigest, recover as recoverAddress, sign as signDigest } from "./ethereum.js";
export { schemaOf } from "./forms.js";
export { signAsDevice } from "./device.js";
export { checkSignature, type Key, type KeyKind, keyOfAddress, parseKey, type Witness } from "./key.js";
export { checkText, consentText, type Described, textHash, type Titles } from "./consent.js";
export type { Language } from "./consent-words.js";
export * from "./grant.js";
export { decodePolicy, encodePolicy, type Level, type ReleasePolicy, policyHash } from "./policy.js";
export { type Action as ScopeAction, isScopeWithin, readScopes, type Scope } from "./scope.js";
export * from "./selector.js";
export { pairwise } from "./pairwise.js";
export { type Assertion, encodeAssertion, type Place } from "./passkey.js";
export { checkSignIn, type Expected, parseSignIn, type SignIn, writeSignIn } from "./siwe.js";
export { digest as typedDigest, type Field, forWallet, type Schema, type Struct, type Types, type Value } from "./typed-data.js";
export { askPasskey, type Provider, signEvent, signGrant, signIn, signRevoke, Wallet } from "./wallet.js";
export type * as api from "./api.js";
export { type Fetch, Vault } from "./vault.js";
