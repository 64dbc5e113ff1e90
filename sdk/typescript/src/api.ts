/** Made by `npm run api` from the description that a vault serves; not to be edited. */

import type { JsonObject } from "./json.js";

/** What a vault is: GET /.well-known/udi. */
export type About = { readonly udi: string; readonly network: string; readonly site: string; readonly chain: number; readonly apps: Readonly<Record<string, string>>; readonly keys: string; readonly openapi: string; readonly limits: Readonly<Record<string, number>>; };

/** Where the log of an account ends. */
export type AccountHead = { readonly account: string; readonly seq: number; readonly head: string; readonly at: number; };

/** An account, as its owner sees it. */
export type AccountStatus = { readonly account: string; readonly seq: number; readonly head: string; readonly keys: readonly (AccountKey)[]; readonly guardians: number; readonly frozen: boolean; readonly frozen_until: number | null; readonly recovery: AskedRecovery | null; readonly grants_revoked_before: number; };

/** A key that speaks for an account; what cannot be taken back it may do from `old` on. */
export type AccountKey = { readonly key: string; readonly old: number; };

/** Somebody asks for a new key; it can take over from `ready` on, null while approvals are missing. */
export type AskedRecovery = { readonly id: string; readonly key: string; readonly approvals: number; readonly ready: number | null; };

/** Ask for something to sign. */
export type AskSignIn = { readonly app?: string; };

/** What is to be signed: as a message of EIP-4361, or as typed data `SignIn(uri, statement, nonce)`. */
export type SignInAsked = { readonly nonce: string; readonly domain: string; readonly uri: string; readonly chain: number; readonly statement: string; readonly expires: number; };

/** A message of EIP-4361 as it was signed, in UTF-8, and the signature of 65 bytes. */
export type WithEthereum = { readonly message: string; readonly signature: string; readonly app?: string; readonly account?: string | null; };

/** A session. The token is shown once; whoever has it acts for the account. */
export type Opened = { readonly token: string; readonly account: string; readonly app: string; readonly expires: number; };

/** A key, and its signature over the typed data `SignIn`. */
export type WithKey = { readonly key: string; readonly signature: string; readonly nonce: string; readonly app?: string; readonly account?: string | null; };

/** How many were ended. */
export type Ended = { readonly ended: number; };

/** The sessions of an account, newest first. */
export type SessionList = { readonly sessions: readonly (SessionShown)[]; };

/** A session that is open; `mine` is the one that asks. */
export type SessionShown = { readonly id: string; readonly app: string; readonly key: string; readonly created: number; readonly expires: number; readonly mine: boolean; };

/** Why a request was refused.      Attributes:         type: the reason code; stable, programs compare it.         title: what happened, for people.         detail: what to do next; may be empty.         facts: the values that explain it. */
export type Problem = { readonly type: string; readonly title: string; readonly status: number; readonly detail: string; readonly facts: Readonly<Record<string, string>>; };

/** What each operation takes and answers. */
export interface Operations {
  readonly readPage: { parameters: {  }; body: undefined; answer: Uint8Array };
  readonly readAbout: { parameters: {  }; body: undefined; answer: About };
  readonly readDescription: { parameters: {  }; body: undefined; answer: JsonObject };
  readonly beginAccount: { parameters: {  }; body: Uint8Array; answer: AccountHead };
  readonly readKeyEvents: { parameters: { readonly "account": string; }; body: undefined; answer: Uint8Array };
  readonly appendKeyEvent: { parameters: { readonly "account": string; }; body: Uint8Array; answer: AccountHead };
  readonly readAccountStatus: { parameters: { readonly "account": string; }; body: undefined; answer: AccountStatus };
  readonly askSignIn: { parameters: {  }; body: AskSignIn; answer: SignInAsked };
  readonly signInWithEthereum: { parameters: {  }; body: WithEthereum; answer: Opened };
  readonly signInWithKey: { parameters: {  }; body: WithKey; answer: Opened };
  readonly signOut: { parameters: {  }; body: undefined; answer: Ended };
  readonly listSessions: { parameters: {  }; body: undefined; answer: SessionList };
  readonly endSessions: { parameters: {  }; body: undefined; answer: Ended };
}

/** Where each operation is. */
export const OPERATIONS: Readonly<Record<keyof Operations, JsonObject>> = {
  readPage: {"method":"GET","path":"/","parameters":{},"body":"","answer":"Uint8Array"},
  readAbout: {"method":"GET","path":"/.well-known/udi","parameters":{},"body":"","answer":"About"},
  readDescription: {"method":"GET","path":"/openapi.json","parameters":{},"body":"","answer":"JsonObject"},
  beginAccount: {"method":"POST","path":"/udi/v1/accounts","parameters":{},"body":"octets","answer":"AccountHead"},
  readKeyEvents: {"method":"GET","path":"/udi/v1/accounts/{account}/kel","parameters":{"account":"path"},"body":"","answer":"Uint8Array"},
  appendKeyEvent: {"method":"POST","path":"/udi/v1/accounts/{account}/kel","parameters":{"account":"path"},"body":"octets","answer":"AccountHead"},
  readAccountStatus: {"method":"GET","path":"/udi/v1/accounts/{account}/status","parameters":{"account":"path"},"body":"","answer":"AccountStatus"},
  askSignIn: {"method":"POST","path":"/udi/v1/auth/nonce","parameters":{},"body":"application/json","answer":"SignInAsked"},
  signInWithEthereum: {"method":"POST","path":"/udi/v1/auth/siwe","parameters":{},"body":"application/json","answer":"Opened"},
  signInWithKey: {"method":"POST","path":"/udi/v1/auth/key","parameters":{},"body":"application/json","answer":"Opened"},
  signOut: {"method":"DELETE","path":"/udi/v1/auth/session","parameters":{},"body":"","answer":"Ended"},
  listSessions: {"method":"GET","path":"/udi/v1/auth/sessions","parameters":{},"body":"","answer":"SessionList"},
  endSessions: {"method":"DELETE","path":"/udi/v1/auth/sessions","parameters":{},"body":"","answer":"Ended"},
};

/** The forms of answers. */
export const SCHEMAS: JsonObject = {
  "About": {"title":"About","description":"What a vault is: GET /.well-known/udi.","type":"object","properties":{"udi":{"type":"string"},"network":{"type":"string"},"site":{"type":"string"},"chain":{"type":"integer","minimum":0,"maximum":9007199254740992},"apps":{"type":"object","additionalProperties":{"type":"string"}},"keys":{"type":"string"},"openapi":{"type":"string"},"limits":{"type":"object","additionalProperties":{"type":"integer"}}},"required":["udi","network","site","chain","apps","keys","openapi","limits"],"additionalProperties":false},
  "AccountHead": {"title":"AccountHead","description":"Where the log of an account ends.","type":"object","properties":{"account":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"seq":{"type":"integer","minimum":0,"maximum":9007199254740992},"head":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"at":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776}},"required":["account","seq","head","at"],"additionalProperties":false},
  "AccountStatus": {"title":"AccountStatus","description":"An account, as its owner sees it.","type":"object","properties":{"account":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"seq":{"type":"integer","minimum":0,"maximum":9007199254740992},"head":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"keys":{"type":"array","items":{"$ref":"#/components/schemas/AccountKey"}},"guardians":{"type":"integer","minimum":0,"maximum":9007199254740992},"frozen":{"type":"boolean"},"frozen_until":{"anyOf":[{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776},{"type":"null"}]},"recovery":{"anyOf":[{"$ref":"#/components/schemas/AskedRecovery"},{"type":"null"}]},"grants_revoked_before":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776}},"required":["account","seq","head","keys","guardians","frozen","frozen_until","recovery","grants_revoked_before"],"additionalProperties":false},
  "AccountKey": {"title":"AccountKey","description":"A key that speaks for an account; what cannot be taken back it may do from `old` on.","type":"object","properties":{"key":{"type":"string"},"old":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776}},"required":["key","old"],"additionalProperties":false},
  "AskedRecovery": {"title":"AskedRecovery","description":"Somebody asks for a new key; it can take over from `ready` on, null while approvals are missing.","type":"object","properties":{"id":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"key":{"type":"string"},"approvals":{"type":"integer","minimum":0,"maximum":9007199254740992},"ready":{"anyOf":[{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776},{"type":"null"}]}},"required":["id","key","approvals","ready"],"additionalProperties":false},
  "AskSignIn": {"title":"AskSignIn","description":"Ask for something to sign.","type":"object","properties":{"app":{"description":"Empty: the owner's own.","type":"string","maxLength":128,"pattern":"^([a-z0-9][a-z0-9._:-]*)?$","default":""}},"required":[],"additionalProperties":false},
  "SignInAsked": {"title":"SignInAsked","description":"What is to be signed: as a message of EIP-4361, or as typed data `SignIn(uri, statement, nonce)`.","type":"object","properties":{"nonce":{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},"domain":{"type":"string"},"uri":{"type":"string"},"chain":{"type":"integer","minimum":0,"maximum":9007199254740992},"statement":{"type":"string"},"expires":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776}},"required":["nonce","domain","uri","chain","statement","expires"],"additionalProperties":false},
  "WithEthereum": {"title":"WithEthereum","description":"A message of EIP-4361 as it was signed, in UTF-8, and the signature of 65 bytes.","type":"object","properties":{"message":{"type":"string","maxLength":4096},"signature":{"type":"string","maxLength":16384,"pattern":"^([0-9a-f]{2})*$"},"app":{"description":"Empty: the owner's own.","type":"string","maxLength":128,"pattern":"^([a-z0-9][a-z0-9._:-]*)?$","default":""},"account":{"anyOf":[{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},{"type":"null"}],"default":null}},"required":["message","signature"],"additionalProperties":false},
  "Opened": {"title":"Opened","description":"A session. The token is shown once; whoever has it acts for the account.","type":"object","properties":{"token":{"type":"string"},"account":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"app":{"type":"string"},"expires":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776}},"required":["token","account","app","expires"],"additionalProperties":false},
  "WithKey": {"title":"WithKey","description":"A key, and its signature over the typed data `SignIn`.","type":"object","properties":{"key":{"type":"string","maxLength":200},"signature":{"type":"string","maxLength":16384,"pattern":"^([0-9a-f]{2})*$"},"nonce":{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},"app":{"description":"Empty: the owner's own.","type":"string","maxLength":128,"pattern":"^([a-z0-9][a-z0-9._:-]*)?$","default":""},"account":{"anyOf":[{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},{"type":"null"}],"default":null}},"required":["key","signature","nonce"],"additionalProperties":false},
  "Ended": {"title":"Ended","description":"How many were ended.","type":"object","properties":{"ended":{"type":"integer","minimum":0,"maximum":9007199254740992}},"required":["ended"],"additionalProperties":false},
  "SessionList": {"title":"SessionList","description":"The sessions of an account, newest first.","type":"object","properties":{"sessions":{"type":"array","items":{"$ref":"#/components/schemas/SessionShown"}}},"required":["sessions"],"additionalProperties":false},
  "SessionShown": {"title":"SessionShown","description":"A session that is open; `mine` is the one that asks.","type":"object","properties":{"id":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"app":{"type":"string"},"key":{"type":"string"},"created":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776},"expires":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776},"mine":{"type":"boolean"}},"required":["id","app","key","created","expires","mine"],"additionalProperties":false},
  "Problem": {"title":"Problem","description":"Why a request was refused.\n\n    Attributes:\n        type: the reason code; stable, programs compare it.\n        title: what happened, for people.\n        detail: what to do next; may be empty.\n        facts: the values that explain it.","type":"object","properties":{"type":{"type":"string"},"title":{"type":"string"},"status":{"type":"integer"},"detail":{"type":"string"},"facts":{"type":"object","additionalProperties":{"type":"string"}}},"required":["type","title","status","detail","facts"]},
};
