/** Made by `npm run api` from the description that a vault serves; not to be edited. */

import type { Json, JsonObject } from "./json.js";

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

/** A session. The token is shown once. `account` is the account's id, or how the application knows it. */
export type Opened = { readonly token: string; readonly account: string; readonly app: string; readonly expires: number; };

/** A key, and its signature over the typed data `SignIn`. */
export type WithKey = { readonly key: string; readonly signature: string; readonly nonce: string; readonly app?: string; readonly account?: string | null; };

/** The session that asks; `owner` is how its application knows the account, null for the owner's own. */
export type SessionMine = { readonly app: string; readonly owner: string | null; readonly expires: number; };

/** How many were ended. */
export type Ended = { readonly ended: number; };

/** The sessions of an account, newest first. */
export type SessionList = { readonly sessions: readonly (SessionShown)[]; };

/** A session that is open; `mine` is the one that asks. */
export type SessionShown = { readonly id: string; readonly app: string; readonly key: string; readonly created: number; readonly expires: number; readonly mine: boolean; };

/** A record, and its revision. */
export type RecordHead = { readonly id: string; readonly rev: number; };

/** Records in the order of their ids, which is that of their times; `next` is `after` of the next page. */
export type RecordPage = { readonly records: readonly (RecordShown)[]; readonly next: string | null; };

/** A record; `body` has the bytes that were written. */
export type RecordShown = { readonly id: string; readonly type: string; readonly rev: number; readonly created: number; readonly changed: number; readonly body: Json; };

/** Changes that are made together, or not at all. */
export type Batch = { readonly changes: readonly (CreateChange | UpdateChange | DeleteChange)[]; };

/** A new record; its id if it has one from elsewhere. */
export type CreateChange = { readonly do: "create"; readonly type: string; readonly body: Json; readonly id?: string | null; };

/** Another body for a record of which revision `rev` was seen. */
export type UpdateChange = { readonly do: "update"; readonly id: string; readonly rev: number; readonly body: Json; };

/** The end of a record of which revision `rev` was seen. */
export type DeleteChange = { readonly do: "delete"; readonly id: string; readonly rev: number; };

/** What became of each change, in order; of a deleted record one revision more than its last. */
export type BatchDone = { readonly done: readonly (RecordHead)[]; };

/** What is kept of an account, by application. */
export type DataHeld = { readonly apps: readonly (AppData)[]; };

/** What one application keeps; `owner` is how it knows the account. */
export type AppData = { readonly app: string; readonly owner: string; readonly records: number; readonly bytes: number; readonly types: readonly (TypeCount)[]; };

/** How much there is of a type. */
export type TypeCount = { readonly type: string; readonly records: number; readonly bytes: number; };

/** The declared data types. */
export type TypeList = { readonly types: readonly (string)[]; };

/** A declared data type: JSON Schema 2020-12, as canonical JSON, whose SHA-256 is `digest`. */
export type TypeShown = { readonly name: string; readonly digest: string; readonly titles: Readonly<Record<string, string>>; readonly schema: Json; };

/** A sum that the vault cannot read, null of none; `next` is `after` of the next page, whose sum adds to it. */
export type NumberSum = { readonly scheme: "bfv-v1"; readonly ciphertext: string | null; readonly count: number; readonly next: string | null; };

/** A blob, or an upload of which `received` bytes are there; only a `whole` one can be read. */
export type BlobShown = { readonly digest: string; readonly size: number; readonly received: number; readonly whole: boolean; };

/** CloudEvents in order, and where the next ones begin. */
export type EventPage = { readonly events: readonly (Json)[]; readonly cursor: number; };

/** An export: `done` records while it is `waiting`; size and SHA-256 of the archive once it is `ready`. */
export type ExportShown = { readonly id: string; readonly state: "failed" | "ready" | "waiting"; readonly code: string; readonly done: number; readonly size: number; readonly sha256: string | null; readonly asked: number; readonly made: number | null; };

/** The exports of an account that are not acknowledged, newest first. */
export type ExportList = { readonly exports: readonly (ExportShown)[]; };

/** What became of the records: `same` were there already, to the byte. */
export type ImportDone = { readonly created: number; readonly same: number; readonly refused: readonly (RefusedRecord)[]; };

/** A record that did not come in, and why. */
export type RefusedRecord = { readonly id: string; readonly code: string; };

/** What is to be erased: `record` and `type` need a name, all but `account` an application. */
export type AskErase = { readonly what: "account" | "deleted" | "owner" | "record" | "type"; readonly app?: string; readonly name?: string; };

/** An erasure: nobody can read it any more from the start; at `done` there is the signed receipt.      `recipients` are those who were told to erase what they had, as it stands now; `place` is where the receipt's     digest stands in the log that this vault has. */
export type ErasureShown = { readonly id: string; readonly what: string; readonly step: string; readonly asked: number; readonly counts: Readonly<Record<string, number>>; readonly receipt: Json | null; readonly place: number | null; readonly recipients: readonly (RecipientShown)[]; };

/** Whom something was granted to, and how its erasing stands. */
export type RecipientShown = { readonly app: string; readonly grant: string; readonly erasing: ErasingShown; };

/** A recipient that was told to erase; `receipt` is what it signed, with the key `holder`, once it `confirmed`.      `why` is the reason code of the last try; one that `refused` is told no more. */
export type ErasingShown = { readonly state: "confirmed" | "refused" | "told"; readonly why: string; readonly tries: number; readonly asked: number; readonly holder: string; readonly receipt: Json | null; };

/** This application as grants name it; `policy` is its release policy, whose SHA-256 they name. */
export type PartyShown = { readonly app: string; readonly cluster: string; readonly policy: Json; readonly holder: string; readonly site: string; };

/** A grant in the form in which it travels, the recipient's policy, and the key that signs its requests.      `site` is where the recipient answers: it proves itself there, and is told there to erase; null if nowhere. */
export type Register = { readonly signed: Json; readonly policy: Json; readonly holder: string; readonly site?: string | null; };

/** A grant that counts here. */
export type GrantHead = { readonly grant: string; readonly expires: number; };

/** A grant that counts no longer. */
export type Taken = { readonly grant: string; };

/** Grants, newest first; `next` is `after` of the next page. */
export type GrantPage = { readonly grants: readonly (GrantShown)[]; readonly next: string | null; };

/** A grant as it stands; `max_uses` 0 = without limit, `retention` 0 = until it is told to erase.      `erasing` is how it stands with a recipient that was told to; null if it was not. */
export type GrantShown = { readonly grant: string; readonly recipient: string; readonly purpose: string; readonly mode: "move" | "once" | "standing"; readonly scopes: readonly (ScopeShown)[]; readonly registered: number; readonly begins: number; readonly expires: number; readonly retention: number; readonly uses: number; readonly max_uses: number; readonly revoked: boolean; readonly erasing: ErasingShown | null; };

/** One permission of a grant. */
export type ScopeShown = { readonly type: string; readonly actions: readonly (string)[]; readonly selector: string; };

/** Uses, oldest first; `next` is `after` of the next page. */
export type AccessPage = { readonly accesses: readonly (AccessShown)[]; readonly next: string | null; };

/** One use of records; `grant` is null where it was the owner's own. */
export type AccessShown = { readonly who: string; readonly grant: string | null; readonly action: string; readonly type: string; readonly records: number; readonly at: number; };

/** This application as grants of the person who asks name it; `account` is how it knows them. */
export type MyParty = { readonly app: string; readonly cluster: string; readonly policy: Json; readonly holder: string; readonly account: string; };

/** A signed grant of which this is the recipient; where its source is, and the key that it shows. */
export type OrderTransfer = { readonly signed: Json; readonly source: string; readonly holder: string; };

/** A transfer, what was not taken, and the receipt that both signed.      `place` is where the receipt's digest stands in this vault's ledger. */
export type TransferReport = { readonly transfer: TransferShown; readonly rejected: readonly (RefusedRecord)[]; readonly receipt: Json | null; readonly place: number | null; };

/** A transfer; `total`, `count`, `dup` count records and parts of blobs: all, new ones, those that were there.      `done` of `chunks` are known to have arrived; `due` is when the source erases what has moved. */
export type TransferShown = { readonly transfer: string; readonly grant: string; readonly way: "in" | "out"; readonly app: string; readonly mode: "copy" | "move"; readonly state: string; readonly why: string; readonly chunks: number; readonly done: number; readonly total: number; readonly count: number; readonly dup: number; readonly rejected: number; readonly asked: number; readonly due: number | null; };

/** What somebody thinks of bringing here. */
export type AskTypes = { readonly types: readonly (OfferedType)[]; };

/** What a source has of a type; `schema` is the digest of its type there. */
export type OfferedType = { readonly type: string; readonly schema: string; readonly records: number; readonly bytes: number; };

/** What would be taken, type by type; `full` says what of the quota is too little, "" if nothing. */
export type TypesTaken = { readonly types: readonly (TypeTaken)[]; readonly full: string; };

/** Whether a type would be taken; `code` says why not, "" if it would. */
export type TypeTaken = { readonly type: string; readonly code: string; };

/** Transfers, newest first. */
export type TransferPage = { readonly transfers: readonly (TransferShown)[]; };

/** A grant that is followed: changes that came in, and records that could not be taken.      `why` is the reason code of the state, "" while all is well. */
export type FollowingShown = { readonly grant: string; readonly app: string; readonly state: "ended" | "following" | "waiting"; readonly why: string; readonly received: number; readonly refused: number; readonly begun: number; readonly heard: number; };

/** What comes here, oldest first. */
export type FollowingList = { readonly followings: readonly (FollowingShown)[]; };

/** Whether a person is counted here, since when, and in what; nobody is who did not agree. */
export type CountedShown = { readonly app: string; readonly counted: boolean; readonly since: number | null; readonly statistics: readonly (StatisticShown)[]; };

/** What administrators may ask: how many records of a type somebody has, the sum or the latest of a field. */
export type StatisticShown = { readonly name: string; readonly doc: string; readonly type: string; readonly take: "latest" | "records" | "sum"; readonly field: string; readonly within: number; };

/** Whether to be counted. */
export type Agree = { readonly counted: boolean; };

/** What a vault is; `key` is the Ed25519 key that signs its archives and receipts.      `log` says whose log remembers receipts: its own, or that of the node which hosts it. */
export type About = { readonly udi: string; readonly network: string; readonly site: string; readonly chain: number; readonly apps: Readonly<Record<string, string>>; readonly keys: string; readonly key: string; readonly log: "node" | "vault"; readonly openapi: string; };

/** Why a request was refused.      Attributes:         type: the reason code; stable, programs compare it.         title: what happened, for people.         detail: what to do next; may be empty.         facts: the values that explain it. */
export type Problem = { readonly type: string; readonly title: string; readonly status: number; readonly detail: string; readonly facts: Readonly<Record<string, string>>; };

/** What each operation takes and answers. */
export interface Operations {
  readonly beginAccount: { parameters: {  }; body: Uint8Array; answer: AccountHead };
  readonly bringAccount: { parameters: {  }; body: Uint8Array; answer: AccountHead };
  readonly readKeyEvents: { parameters: { readonly "account": string; }; body: undefined; answer: Uint8Array };
  readonly appendKeyEvent: { parameters: { readonly "account": string; }; body: Uint8Array; answer: AccountHead };
  readonly readAccountStatus: { parameters: { readonly "account": string; }; body: undefined; answer: AccountStatus };
  readonly askSignIn: { parameters: {  }; body: AskSignIn; answer: SignInAsked };
  readonly signInWithEthereum: { parameters: {  }; body: WithEthereum; answer: Opened };
  readonly signInWithKey: { parameters: {  }; body: WithKey; answer: Opened };
  readonly readSession: { parameters: {  }; body: undefined; answer: SessionMine };
  readonly signOut: { parameters: {  }; body: undefined; answer: Ended };
  readonly listSessions: { parameters: {  }; body: undefined; answer: SessionList };
  readonly endSessions: { parameters: {  }; body: undefined; answer: Ended };
  readonly createRecord: { parameters: { readonly "type": string; readonly "app"?: string; readonly "Idempotency-Key": string; }; body: Uint8Array; answer: RecordHead };
  readonly listRecords: { parameters: { readonly "app"?: string; readonly "type"?: string | null; readonly "after"?: string | null; readonly "limit"?: number; }; body: undefined; answer: RecordPage };
  readonly changeRecords: { parameters: { readonly "app"?: string; readonly "Idempotency-Key": string; }; body: Batch; answer: BatchDone };
  readonly readRecord: { parameters: { readonly "record": string; readonly "app"?: string; }; body: undefined; answer: JsonObject };
  readonly updateRecord: { parameters: { readonly "record": string; readonly "app"?: string; readonly "If-Match": string; }; body: Uint8Array; answer: RecordHead };
  readonly deleteRecord: { parameters: { readonly "record": string; readonly "app"?: string; readonly "If-Match": string; }; body: undefined; answer: RecordHead };
  readonly readData: { parameters: {  }; body: undefined; answer: DataHeld };
  readonly listTypes: { parameters: {  }; body: undefined; answer: TypeList };
  readonly readType: { parameters: { readonly "type": string; }; body: undefined; answer: TypeShown };
  readonly addNumbers: { parameters: { readonly "type": string; readonly "field": string; readonly "app"?: string; readonly "selector"?: string; readonly "after"?: string | null; readonly "limit"?: number; }; body: undefined; answer: NumberSum };
  readonly uploadBlob: { parameters: { readonly "digest": string; readonly "size": number; readonly "offset"?: number; readonly "app"?: string; }; body: Uint8Array; answer: BlobShown };
  readonly readBlob: { parameters: { readonly "digest": string; readonly "app"?: string; readonly "Range"?: string; }; body: undefined; answer: Uint8Array };
  readonly deleteBlob: { parameters: { readonly "digest": string; readonly "app"?: string; }; body: undefined; answer: undefined };
  readonly readBlobStatus: { parameters: { readonly "digest": string; readonly "app"?: string; }; body: undefined; answer: BlobShown };
  readonly followEvents: { parameters: { readonly "app"?: string; readonly "after"?: number; readonly "seconds"?: number; readonly "Last-Event-ID"?: string; }; body: undefined; answer: Uint8Array };
  readonly listEvents: { parameters: { readonly "app"?: string; readonly "after"?: number; readonly "limit"?: number; }; body: undefined; answer: EventPage };
  readonly beginExport: { parameters: {  }; body: undefined; answer: ExportShown };
  readonly listExports: { parameters: {  }; body: undefined; answer: ExportList };
  readonly readExport: { parameters: { readonly "job": string; readonly "seconds"?: number; }; body: undefined; answer: ExportShown };
  readonly readArchive: { parameters: { readonly "job": string; readonly "Range"?: string; }; body: undefined; answer: Uint8Array };
  readonly acknowledgeExport: { parameters: { readonly "job": string; }; body: undefined; answer: undefined };
  readonly importRecords: { parameters: { readonly "app": string; readonly "dry"?: boolean; }; body: Uint8Array; answer: ImportDone };
  readonly erase: { parameters: {  }; body: AskErase; answer: ErasureShown };
  readonly readErasure: { parameters: { readonly "erasure": string; }; body: undefined; answer: ErasureShown };
  readonly proveErasure: { parameters: { readonly "erasure": string; }; body: undefined; answer: Uint8Array };
  readonly readParty: { parameters: {  }; body: undefined; answer: PartyShown };
  readonly registerGrant: { parameters: {  }; body: Register; answer: GrantHead };
  readonly listGrants: { parameters: { readonly "after"?: string | null; readonly "limit"?: number; }; body: undefined; answer: GrantPage };
  readonly revokeGrant: { parameters: {  }; body: Uint8Array; answer: Taken };
  readonly eraseGranted: { parameters: {  }; body: Uint8Array; answer: ErasureShown };
  readonly followGrant: { parameters: { readonly "grant": string; readonly "Signature-Input": string; readonly "Signature": string; readonly "Udi-Token"?: string; readonly "Last-Event-ID"?: string; }; body: undefined; answer: Uint8Array };
  readonly readGranted: { parameters: { readonly "grant": string; readonly "record": string; readonly "Signature-Input": string; readonly "Signature": string; readonly "Udi-Token"?: string; }; body: undefined; answer: JsonObject };
  readonly listAccesses: { parameters: { readonly "grant"?: string | null; readonly "after"?: string | null; readonly "limit"?: number; }; body: undefined; answer: AccessPage };
  readonly openTransfer: { parameters: { readonly "grant": string; readonly "transfer": string; readonly "Signature-Input": string; readonly "Signature": string; readonly "Content-Digest": string; }; body: Uint8Array; answer: JsonObject };
  readonly readChunk: { parameters: { readonly "grant": string; readonly "transfer": string; readonly "chunk": string; readonly "Signature-Input": string; readonly "Signature": string; }; body: undefined; answer: Uint8Array };
  readonly signReceipt: { parameters: { readonly "grant": string; readonly "transfer": string; readonly "Signature-Input": string; readonly "Signature": string; readonly "Content-Digest": string; }; body: Uint8Array; answer: JsonObject };
  readonly readMyParty: { parameters: {  }; body: undefined; answer: MyParty };
  readonly orderTransfer: { parameters: {  }; body: OrderTransfer; answer: TransferReport };
  readonly listTransfers: { parameters: { readonly "before"?: number; }; body: undefined; answer: TransferPage };
  readonly askTypes: { parameters: {  }; body: AskTypes; answer: TypesTaken };
  readonly readTransfer: { parameters: { readonly "transfer": string; }; body: undefined; answer: TransferReport };
  readonly proveReceipt: { parameters: { readonly "transfer": string; }; body: undefined; answer: Uint8Array };
  readonly resumeTransfer: { parameters: { readonly "transfer": string; }; body: undefined; answer: TransferReport };
  readonly undoTransfer: { parameters: { readonly "transfer": string; }; body: undefined; answer: TransferReport };
  readonly follow: { parameters: {  }; body: Uint8Array; answer: FollowingShown };
  readonly listFollowings: { parameters: {  }; body: undefined; answer: FollowingList };
  readonly readCounted: { parameters: {  }; body: undefined; answer: CountedShown };
  readonly agreeToBeCounted: { parameters: {  }; body: Agree; answer: CountedShown };
  readonly readPage: { parameters: {  }; body: undefined; answer: Uint8Array };
  readonly readAbout: { parameters: {  }; body: undefined; answer: About };
  readonly readDescription: { parameters: {  }; body: undefined; answer: JsonObject };
}

/** Where each operation is. */
export const OPERATIONS: Readonly<Record<keyof Operations, JsonObject>> = {
  beginAccount: {"method":"POST","path":"/udi/v1/accounts","parameters":{},"sends":"application/json","answer":"AccountHead"},
  bringAccount: {"method":"POST","path":"/udi/v1/accounts:bring","parameters":{},"sends":"application/x-ndjson","answer":"AccountHead"},
  readKeyEvents: {"method":"GET","path":"/udi/v1/accounts/{account}/kel","parameters":{"account":"path"},"sends":"","answer":"Uint8Array"},
  appendKeyEvent: {"method":"POST","path":"/udi/v1/accounts/{account}/kel","parameters":{"account":"path"},"sends":"application/json","answer":"AccountHead"},
  readAccountStatus: {"method":"GET","path":"/udi/v1/accounts/{account}/status","parameters":{"account":"path"},"sends":"","answer":"AccountStatus"},
  askSignIn: {"method":"POST","path":"/udi/v1/auth/nonce","parameters":{},"sends":"application/json","answer":"SignInAsked"},
  signInWithEthereum: {"method":"POST","path":"/udi/v1/auth/siwe","parameters":{},"sends":"application/json","answer":"Opened"},
  signInWithKey: {"method":"POST","path":"/udi/v1/auth/key","parameters":{},"sends":"application/json","answer":"Opened"},
  readSession: {"method":"GET","path":"/udi/v1/auth/session","parameters":{},"sends":"","answer":"SessionMine"},
  signOut: {"method":"DELETE","path":"/udi/v1/auth/session","parameters":{},"sends":"","answer":"Ended"},
  listSessions: {"method":"GET","path":"/udi/v1/auth/sessions","parameters":{},"sends":"","answer":"SessionList"},
  endSessions: {"method":"DELETE","path":"/udi/v1/auth/sessions","parameters":{},"sends":"","answer":"Ended"},
  createRecord: {"method":"POST","path":"/udi/v1/records","parameters":{"type":"query","app":"query","Idempotency-Key":"header"},"sends":"application/json","answer":"RecordHead"},
  listRecords: {"method":"GET","path":"/udi/v1/records","parameters":{"app":"query","type":"query","after":"query","limit":"query"},"sends":"","answer":"RecordPage"},
  changeRecords: {"method":"POST","path":"/udi/v1/records:batch","parameters":{"app":"query","Idempotency-Key":"header"},"sends":"application/json","answer":"BatchDone"},
  readRecord: {"method":"GET","path":"/udi/v1/records/{record}","parameters":{"record":"path","app":"query"},"sends":"","answer":"JsonObject"},
  updateRecord: {"method":"PUT","path":"/udi/v1/records/{record}","parameters":{"record":"path","app":"query","If-Match":"header"},"sends":"application/json","answer":"RecordHead"},
  deleteRecord: {"method":"DELETE","path":"/udi/v1/records/{record}","parameters":{"record":"path","app":"query","If-Match":"header"},"sends":"","answer":"RecordHead"},
  readData: {"method":"GET","path":"/udi/v1/data","parameters":{},"sends":"","answer":"DataHeld"},
  listTypes: {"method":"GET","path":"/udi/v1/types","parameters":{},"sends":"","answer":"TypeList"},
  readType: {"method":"GET","path":"/udi/v1/types/{type}","parameters":{"type":"path"},"sends":"","answer":"TypeShown"},
  addNumbers: {"method":"GET","path":"/udi/v1/sums","parameters":{"type":"query","field":"query","app":"query","selector":"query","after":"query","limit":"query"},"sends":"","answer":"NumberSum"},
  uploadBlob: {"method":"PUT","path":"/udi/v1/blobs/{digest}","parameters":{"digest":"path","size":"query","offset":"query","app":"query"},"sends":"application/octet-stream","answer":"BlobShown"},
  readBlob: {"method":"GET","path":"/udi/v1/blobs/{digest}","parameters":{"digest":"path","app":"query","Range":"header"},"sends":"","answer":"Uint8Array"},
  deleteBlob: {"method":"DELETE","path":"/udi/v1/blobs/{digest}","parameters":{"digest":"path","app":"query"},"sends":"","answer":"undefined"},
  readBlobStatus: {"method":"GET","path":"/udi/v1/blobs/{digest}/status","parameters":{"digest":"path","app":"query"},"sends":"","answer":"BlobShown"},
  followEvents: {"method":"GET","path":"/udi/v1/events","parameters":{"app":"query","after":"query","seconds":"query","Last-Event-ID":"header"},"sends":"","answer":"Uint8Array"},
  listEvents: {"method":"GET","path":"/udi/v1/events:page","parameters":{"app":"query","after":"query","limit":"query"},"sends":"","answer":"EventPage"},
  beginExport: {"method":"POST","path":"/udi/v1/exports","parameters":{},"sends":"","answer":"ExportShown"},
  listExports: {"method":"GET","path":"/udi/v1/exports","parameters":{},"sends":"","answer":"ExportList"},
  readExport: {"method":"GET","path":"/udi/v1/exports/{job}","parameters":{"job":"path","seconds":"query"},"sends":"","answer":"ExportShown"},
  readArchive: {"method":"GET","path":"/udi/v1/exports/{job}/archive","parameters":{"job":"path","Range":"header"},"sends":"","answer":"Uint8Array"},
  acknowledgeExport: {"method":"POST","path":"/udi/v1/exports/{job}:acknowledge","parameters":{"job":"path"},"sends":"","answer":"undefined"},
  importRecords: {"method":"POST","path":"/udi/v1/imports","parameters":{"app":"query","dry":"query"},"sends":"application/x-ndjson","answer":"ImportDone"},
  erase: {"method":"POST","path":"/udi/v1/deletions","parameters":{},"sends":"application/json","answer":"ErasureShown"},
  readErasure: {"method":"GET","path":"/udi/v1/deletions/{erasure}","parameters":{"erasure":"path"},"sends":"","answer":"ErasureShown"},
  proveErasure: {"method":"GET","path":"/udi/v1/deletions/{erasure}/proof","parameters":{"erasure":"path"},"sends":"","answer":"Uint8Array"},
  readParty: {"method":"GET","path":"/udi/v1/party","parameters":{},"sends":"","answer":"PartyShown"},
  registerGrant: {"method":"POST","path":"/udi/v1/grants","parameters":{},"sends":"application/json","answer":"GrantHead"},
  listGrants: {"method":"GET","path":"/udi/v1/grants","parameters":{"after":"query","limit":"query"},"sends":"","answer":"GrantPage"},
  revokeGrant: {"method":"POST","path":"/udi/v1/grants:revoke","parameters":{},"sends":"application/json","answer":"Taken"},
  eraseGranted: {"method":"POST","path":"/udi/v1/grants:erase","parameters":{},"sends":"application/json","answer":"ErasureShown"},
  followGrant: {"method":"GET","path":"/udi/v1/grants/{grant}/events","parameters":{"grant":"path","Signature-Input":"header","Signature":"header","Udi-Token":"header","Last-Event-ID":"header"},"sends":"","answer":"Uint8Array"},
  readGranted: {"method":"GET","path":"/udi/v1/grants/{grant}/records/{record}","parameters":{"grant":"path","record":"path","Signature-Input":"header","Signature":"header","Udi-Token":"header"},"sends":"","answer":"JsonObject"},
  listAccesses: {"method":"GET","path":"/udi/v1/accesses","parameters":{"grant":"query","after":"query","limit":"query"},"sends":"","answer":"AccessPage"},
  openTransfer: {"method":"PUT","path":"/udi/v1/grants/{grant}/transfers/{transfer}","parameters":{"grant":"path","transfer":"path","Signature-Input":"header","Signature":"header","Content-Digest":"header"},"sends":"application/json","answer":"JsonObject"},
  readChunk: {"method":"GET","path":"/udi/v1/grants/{grant}/transfers/{transfer}/chunks/{chunk}","parameters":{"grant":"path","transfer":"path","chunk":"path","Signature-Input":"header","Signature":"header"},"sends":"","answer":"Uint8Array"},
  signReceipt: {"method":"PUT","path":"/udi/v1/grants/{grant}/transfers/{transfer}/receipt","parameters":{"grant":"path","transfer":"path","Signature-Input":"header","Signature":"header","Content-Digest":"header"},"sends":"application/json","answer":"JsonObject"},
  readMyParty: {"method":"GET","path":"/udi/v1/party/mine","parameters":{},"sends":"","answer":"MyParty"},
  orderTransfer: {"method":"POST","path":"/udi/v1/transfers","parameters":{},"sends":"application/json","answer":"TransferReport"},
  listTransfers: {"method":"GET","path":"/udi/v1/transfers","parameters":{"before":"query"},"sends":"","answer":"TransferPage"},
  askTypes: {"method":"POST","path":"/udi/v1/transfers:dry","parameters":{},"sends":"application/json","answer":"TypesTaken"},
  readTransfer: {"method":"GET","path":"/udi/v1/transfers/{transfer}","parameters":{"transfer":"path"},"sends":"","answer":"TransferReport"},
  proveReceipt: {"method":"GET","path":"/udi/v1/transfers/{transfer}/proof","parameters":{"transfer":"path"},"sends":"","answer":"Uint8Array"},
  resumeTransfer: {"method":"POST","path":"/udi/v1/transfers/{transfer}:resume","parameters":{"transfer":"path"},"sends":"","answer":"TransferReport"},
  undoTransfer: {"method":"POST","path":"/udi/v1/transfers/{transfer}:undo","parameters":{"transfer":"path"},"sends":"","answer":"TransferReport"},
  follow: {"method":"POST","path":"/udi/v1/followings","parameters":{},"sends":"application/json","answer":"FollowingShown"},
  listFollowings: {"method":"GET","path":"/udi/v1/followings","parameters":{},"sends":"","answer":"FollowingList"},
  readCounted: {"method":"GET","path":"/udi/v1/statistics","parameters":{},"sends":"","answer":"CountedShown"},
  agreeToBeCounted: {"method":"PUT","path":"/udi/v1/statistics","parameters":{},"sends":"application/json","answer":"CountedShown"},
  readPage: {"method":"GET","path":"/","parameters":{},"sends":"","answer":"Uint8Array"},
  readAbout: {"method":"GET","path":"/.well-known/udi","parameters":{},"sends":"","answer":"About"},
  readDescription: {"method":"GET","path":"/openapi.json","parameters":{},"sends":"","answer":"JsonObject"},
};

/** The forms of answers. */
export const SCHEMAS: JsonObject = {
  "AccountHead": {"title":"AccountHead","description":"Where the log of an account ends.","type":"object","properties":{"account":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"seq":{"type":"integer","minimum":0,"maximum":9007199254740992},"head":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"at":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776}},"required":["account","seq","head","at"],"additionalProperties":false},
  "AccountStatus": {"title":"AccountStatus","description":"An account, as its owner sees it.","type":"object","properties":{"account":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"seq":{"type":"integer","minimum":0,"maximum":9007199254740992},"head":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"keys":{"type":"array","items":{"$ref":"#/components/schemas/AccountKey"}},"guardians":{"type":"integer","minimum":0,"maximum":9007199254740992},"frozen":{"type":"boolean"},"frozen_until":{"anyOf":[{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776},{"type":"null"}]},"recovery":{"anyOf":[{"$ref":"#/components/schemas/AskedRecovery"},{"type":"null"}]},"grants_revoked_before":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776}},"required":["account","seq","head","keys","guardians","frozen","frozen_until","recovery","grants_revoked_before"],"additionalProperties":false},
  "AccountKey": {"title":"AccountKey","description":"A key that speaks for an account; what cannot be taken back it may do from `old` on.","type":"object","properties":{"key":{"type":"string"},"old":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776}},"required":["key","old"],"additionalProperties":false},
  "AskedRecovery": {"title":"AskedRecovery","description":"Somebody asks for a new key; it can take over from `ready` on, null while approvals are missing.","type":"object","properties":{"id":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"key":{"type":"string"},"approvals":{"type":"integer","minimum":0,"maximum":9007199254740992},"ready":{"anyOf":[{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776},{"type":"null"}]}},"required":["id","key","approvals","ready"],"additionalProperties":false},
  "AskSignIn": {"title":"AskSignIn","description":"Ask for something to sign.","type":"object","properties":{"app":{"description":"Empty: the owner's own.","type":"string","maxLength":128,"pattern":"^([a-z0-9][a-z0-9._:-]*)?$","default":""}},"required":[],"additionalProperties":false},
  "SignInAsked": {"title":"SignInAsked","description":"What is to be signed: as a message of EIP-4361, or as typed data `SignIn(uri, statement, nonce)`.","type":"object","properties":{"nonce":{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},"domain":{"type":"string"},"uri":{"type":"string"},"chain":{"type":"integer","minimum":0,"maximum":9007199254740992},"statement":{"type":"string"},"expires":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776}},"required":["nonce","domain","uri","chain","statement","expires"],"additionalProperties":false},
  "WithEthereum": {"title":"WithEthereum","description":"A message of EIP-4361 as it was signed, in UTF-8, and the signature of 65 bytes.","type":"object","properties":{"message":{"type":"string","maxLength":4096},"signature":{"type":"string","maxLength":16384,"pattern":"^([0-9a-f]{2})*$"},"app":{"description":"Empty: the owner's own.","type":"string","maxLength":128,"pattern":"^([a-z0-9][a-z0-9._:-]*)?$","default":""},"account":{"anyOf":[{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},{"type":"null"}],"default":null}},"required":["message","signature"],"additionalProperties":false},
  "Opened": {"title":"Opened","description":"A session. The token is shown once. `account` is the account's id, or how the application knows it.","type":"object","properties":{"token":{"type":"string"},"account":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"app":{"type":"string"},"expires":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776}},"required":["token","account","app","expires"],"additionalProperties":false},
  "WithKey": {"title":"WithKey","description":"A key, and its signature over the typed data `SignIn`.","type":"object","properties":{"key":{"type":"string","maxLength":200},"signature":{"type":"string","maxLength":16384,"pattern":"^([0-9a-f]{2})*$"},"nonce":{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},"app":{"description":"Empty: the owner's own.","type":"string","maxLength":128,"pattern":"^([a-z0-9][a-z0-9._:-]*)?$","default":""},"account":{"anyOf":[{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},{"type":"null"}],"default":null}},"required":["key","signature","nonce"],"additionalProperties":false},
  "SessionMine": {"title":"SessionMine","description":"The session that asks; `owner` is how its application knows the account, null for the owner's own.","type":"object","properties":{"app":{"type":"string"},"owner":{"anyOf":[{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},{"type":"null"}]},"expires":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776}},"required":["app","owner","expires"],"additionalProperties":false},
  "Ended": {"title":"Ended","description":"How many were ended.","type":"object","properties":{"ended":{"type":"integer","minimum":0,"maximum":9007199254740992}},"required":["ended"],"additionalProperties":false},
  "SessionList": {"title":"SessionList","description":"The sessions of an account, newest first.","type":"object","properties":{"sessions":{"type":"array","items":{"$ref":"#/components/schemas/SessionShown"}}},"required":["sessions"],"additionalProperties":false},
  "SessionShown": {"title":"SessionShown","description":"A session that is open; `mine` is the one that asks.","type":"object","properties":{"id":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"app":{"type":"string"},"key":{"type":"string"},"created":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776},"expires":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776},"mine":{"type":"boolean"}},"required":["id","app","key","created","expires","mine"],"additionalProperties":false},
  "RecordHead": {"title":"RecordHead","description":"A record, and its revision.","type":"object","properties":{"id":{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},"rev":{"type":"integer","minimum":0,"maximum":9007199254740992}},"required":["id","rev"],"additionalProperties":false},
  "RecordPage": {"title":"RecordPage","description":"Records in the order of their ids, which is that of their times; `next` is `after` of the next page.","type":"object","properties":{"records":{"type":"array","items":{"$ref":"#/components/schemas/RecordShown"}},"next":{"anyOf":[{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},{"type":"null"}]}},"required":["records","next"],"additionalProperties":false},
  "RecordShown": {"title":"RecordShown","description":"A record; `body` has the bytes that were written.","type":"object","properties":{"id":{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},"type":{"type":"string","maxLength":128,"minLength":5,"pattern":"^[a-z0-9.-]*$"},"rev":{"type":"integer","minimum":0,"maximum":9007199254740992},"created":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776},"changed":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776},"body":{}},"required":["id","type","rev","created","changed","body"],"additionalProperties":false},
  "Batch": {"title":"Batch","description":"Changes that are made together, or not at all.","type":"object","properties":{"changes":{"type":"array","items":{"anyOf":[{"$ref":"#/components/schemas/CreateChange"},{"$ref":"#/components/schemas/UpdateChange"},{"$ref":"#/components/schemas/DeleteChange"}],"discriminator":{"propertyName":"do","mapping":{"create":"#/components/schemas/CreateChange","update":"#/components/schemas/UpdateChange","delete":"#/components/schemas/DeleteChange"}}},"maxItems":1000,"minItems":1}},"required":["changes"],"additionalProperties":false},
  "CreateChange": {"title":"CreateChange","description":"A new record; its id if it has one from elsewhere.","type":"object","properties":{"do":{"enum":["create"]},"type":{"type":"string","maxLength":128,"minLength":5,"pattern":"^[a-z0-9.-]*$"},"body":{},"id":{"anyOf":[{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},{"type":"null"}],"default":null}},"required":["do","type","body"],"additionalProperties":false},
  "UpdateChange": {"title":"UpdateChange","description":"Another body for a record of which revision `rev` was seen.","type":"object","properties":{"do":{"enum":["update"]},"id":{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},"rev":{"type":"integer","minimum":0,"maximum":9007199254740992},"body":{}},"required":["do","id","rev","body"],"additionalProperties":false},
  "DeleteChange": {"title":"DeleteChange","description":"The end of a record of which revision `rev` was seen.","type":"object","properties":{"do":{"enum":["delete"]},"id":{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},"rev":{"type":"integer","minimum":0,"maximum":9007199254740992}},"required":["do","id","rev"],"additionalProperties":false},
  "BatchDone": {"title":"BatchDone","description":"What became of each change, in order; of a deleted record one revision more than its last.","type":"object","properties":{"done":{"type":"array","items":{"$ref":"#/components/schemas/RecordHead"}}},"required":["done"],"additionalProperties":false},
  "DataHeld": {"title":"DataHeld","description":"What is kept of an account, by application.","type":"object","properties":{"apps":{"type":"array","items":{"$ref":"#/components/schemas/AppData"}}},"required":["apps"],"additionalProperties":false},
  "AppData": {"title":"AppData","description":"What one application keeps; `owner` is how it knows the account.","type":"object","properties":{"app":{"type":"string"},"owner":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"records":{"type":"integer","minimum":0,"maximum":9007199254740992},"bytes":{"type":"integer","minimum":0,"maximum":9007199254740992},"types":{"type":"array","items":{"$ref":"#/components/schemas/TypeCount"}}},"required":["app","owner","records","bytes","types"],"additionalProperties":false},
  "TypeCount": {"title":"TypeCount","description":"How much there is of a type.","type":"object","properties":{"type":{"type":"string","maxLength":128,"minLength":5,"pattern":"^[a-z0-9.-]*$"},"records":{"type":"integer","minimum":0,"maximum":9007199254740992},"bytes":{"type":"integer","minimum":0,"maximum":9007199254740992}},"required":["type","records","bytes"],"additionalProperties":false},
  "TypeList": {"title":"TypeList","description":"The declared data types.","type":"object","properties":{"types":{"type":"array","items":{"type":"string","maxLength":128,"minLength":5,"pattern":"^[a-z0-9.-]*$"}}},"required":["types"],"additionalProperties":false},
  "TypeShown": {"title":"TypeShown","description":"A declared data type: JSON Schema 2020-12, as canonical JSON, whose SHA-256 is `digest`.","type":"object","properties":{"name":{"type":"string","maxLength":128,"minLength":5,"pattern":"^[a-z0-9.-]*$"},"digest":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"titles":{"type":"object","additionalProperties":{"type":"string"}},"schema":{}},"required":["name","digest","titles","schema"],"additionalProperties":false},
  "NumberSum": {"title":"NumberSum","description":"A sum that the vault cannot read, null of none; `next` is `after` of the next page, whose sum adds to it.","type":"object","properties":{"scheme":{"enum":["bfv-v1"]},"ciphertext":{"anyOf":[{"type":"string"},{"type":"null"}]},"count":{"type":"integer","minimum":0,"maximum":9007199254740992},"next":{"anyOf":[{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},{"type":"null"}]}},"required":["scheme","ciphertext","count","next"],"additionalProperties":false},
  "BlobShown": {"title":"BlobShown","description":"A blob, or an upload of which `received` bytes are there; only a `whole` one can be read.","type":"object","properties":{"digest":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"size":{"type":"integer","minimum":0,"maximum":9007199254740992},"received":{"type":"integer","minimum":0,"maximum":9007199254740992},"whole":{"type":"boolean"}},"required":["digest","size","received","whole"],"additionalProperties":false},
  "EventPage": {"title":"EventPage","description":"CloudEvents in order, and where the next ones begin.","type":"object","properties":{"events":{"type":"array","items":{}},"cursor":{"type":"integer","minimum":0,"maximum":9007199254740992}},"required":["events","cursor"],"additionalProperties":false},
  "ExportShown": {"title":"ExportShown","description":"An export: `done` records while it is `waiting`; size and SHA-256 of the archive once it is `ready`.","type":"object","properties":{"id":{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},"state":{"enum":["failed","ready","waiting"]},"code":{"type":"string"},"done":{"type":"integer","minimum":0,"maximum":9007199254740992},"size":{"type":"integer","minimum":0,"maximum":9007199254740992},"sha256":{"anyOf":[{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},{"type":"null"}]},"asked":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776},"made":{"anyOf":[{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776},{"type":"null"}]}},"required":["id","state","code","done","size","sha256","asked","made"],"additionalProperties":false},
  "ExportList": {"title":"ExportList","description":"The exports of an account that are not acknowledged, newest first.","type":"object","properties":{"exports":{"type":"array","items":{"$ref":"#/components/schemas/ExportShown"}}},"required":["exports"],"additionalProperties":false},
  "ImportDone": {"title":"ImportDone","description":"What became of the records: `same` were there already, to the byte.","type":"object","properties":{"created":{"type":"integer","minimum":0,"maximum":9007199254740992},"same":{"type":"integer","minimum":0,"maximum":9007199254740992},"refused":{"type":"array","items":{"$ref":"#/components/schemas/RefusedRecord"}}},"required":["created","same","refused"],"additionalProperties":false},
  "RefusedRecord": {"title":"RefusedRecord","description":"A record that did not come in, and why.","type":"object","properties":{"id":{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},"code":{"type":"string"}},"required":["id","code"],"additionalProperties":false},
  "AskErase": {"title":"AskErase","description":"What is to be erased: `record` and `type` need a name, all but `account` an application.","type":"object","properties":{"what":{"enum":["account","deleted","owner","record","type"]},"app":{"description":"Empty: the owner's own.","type":"string","maxLength":128,"pattern":"^([a-z0-9][a-z0-9._:-]*)?$","default":""},"name":{"type":"string","maxLength":128,"default":""}},"required":["what"],"additionalProperties":false},
  "ErasureShown": {"title":"ErasureShown","description":"An erasure: nobody can read it any more from the start; at `done` there is the signed receipt.\n\n    `recipients` are those who were told to erase what they had, as it stands now; `place` is where the receipt's\n    digest stands in the log that this vault has.","type":"object","properties":{"id":{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},"what":{"type":"string"},"step":{"type":"string"},"asked":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776},"counts":{"type":"object","additionalProperties":{"type":"integer"}},"receipt":{"anyOf":[{},{"type":"null"}]},"place":{"anyOf":[{"type":"integer","minimum":0,"maximum":9007199254740992},{"type":"null"}]},"recipients":{"type":"array","items":{"$ref":"#/components/schemas/RecipientShown"}}},"required":["id","what","step","asked","counts","receipt","place","recipients"],"additionalProperties":false},
  "RecipientShown": {"title":"RecipientShown","description":"Whom something was granted to, and how its erasing stands.","type":"object","properties":{"app":{"type":"string"},"grant":{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},"erasing":{"$ref":"#/components/schemas/ErasingShown"}},"required":["app","grant","erasing"],"additionalProperties":false},
  "ErasingShown": {"title":"ErasingShown","description":"A recipient that was told to erase; `receipt` is what it signed, with the key `holder`, once it `confirmed`.\n\n    `why` is the reason code of the last try; one that `refused` is told no more.","type":"object","properties":{"state":{"enum":["confirmed","refused","told"]},"why":{"type":"string"},"tries":{"type":"integer","minimum":0,"maximum":9007199254740992},"asked":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776},"holder":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"receipt":{"anyOf":[{},{"type":"null"}]}},"required":["state","why","tries","asked","holder","receipt"],"additionalProperties":false},
  "PartyShown": {"title":"PartyShown","description":"This application as grants name it; `policy` is its release policy, whose SHA-256 they name.","type":"object","properties":{"app":{"type":"string"},"cluster":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"policy":{},"holder":{"type":"string"},"site":{"type":"string"}},"required":["app","cluster","policy","holder","site"],"additionalProperties":false},
  "Register": {"title":"Register","description":"A grant in the form in which it travels, the recipient's policy, and the key that signs its requests.\n\n    `site` is where the recipient answers: it proves itself there, and is told there to erase; null if nowhere.","type":"object","properties":{"signed":{},"policy":{},"holder":{"type":"string","maxLength":200},"site":{"anyOf":[{"type":"string","maxLength":300},{"type":"null"}],"default":null}},"required":["signed","policy","holder"],"additionalProperties":false},
  "GrantHead": {"title":"GrantHead","description":"A grant that counts here.","type":"object","properties":{"grant":{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},"expires":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776}},"required":["grant","expires"],"additionalProperties":false},
  "Taken": {"title":"Taken","description":"A grant that counts no longer.","type":"object","properties":{"grant":{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"}},"required":["grant"],"additionalProperties":false},
  "GrantPage": {"title":"GrantPage","description":"Grants, newest first; `next` is `after` of the next page.","type":"object","properties":{"grants":{"type":"array","items":{"$ref":"#/components/schemas/GrantShown"}},"next":{"anyOf":[{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},{"type":"null"}]}},"required":["grants","next"],"additionalProperties":false},
  "GrantShown": {"title":"GrantShown","description":"A grant as it stands; `max_uses` 0 = without limit, `retention` 0 = until it is told to erase.\n\n    `erasing` is how it stands with a recipient that was told to; null if it was not.","type":"object","properties":{"grant":{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},"recipient":{"type":"string"},"purpose":{"type":"string"},"mode":{"enum":["move","once","standing"]},"scopes":{"type":"array","items":{"$ref":"#/components/schemas/ScopeShown"}},"registered":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776},"begins":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776},"expires":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776},"retention":{"type":"integer","minimum":0,"maximum":9007199254740992},"uses":{"type":"integer","minimum":0,"maximum":9007199254740992},"max_uses":{"type":"integer","minimum":0,"maximum":9007199254740992},"revoked":{"type":"boolean"},"erasing":{"anyOf":[{"$ref":"#/components/schemas/ErasingShown"},{"type":"null"}]}},"required":["grant","recipient","purpose","mode","scopes","registered","begins","expires","retention","uses","max_uses","revoked","erasing"],"additionalProperties":false},
  "ScopeShown": {"title":"ScopeShown","description":"One permission of a grant.","type":"object","properties":{"type":{"type":"string","maxLength":128,"minLength":5,"pattern":"^[a-z0-9.-]*$"},"actions":{"type":"array","items":{"type":"string"}},"selector":{"type":"string"}},"required":["type","actions","selector"],"additionalProperties":false},
  "AccessPage": {"title":"AccessPage","description":"Uses, oldest first; `next` is `after` of the next page.","type":"object","properties":{"accesses":{"type":"array","items":{"$ref":"#/components/schemas/AccessShown"}},"next":{"anyOf":[{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},{"type":"null"}]}},"required":["accesses","next"],"additionalProperties":false},
  "AccessShown": {"title":"AccessShown","description":"One use of records; `grant` is null where it was the owner's own.","type":"object","properties":{"who":{"type":"string"},"grant":{"anyOf":[{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},{"type":"null"}]},"action":{"type":"string"},"type":{"type":"string"},"records":{"type":"integer","minimum":0,"maximum":9007199254740992},"at":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776}},"required":["who","grant","action","type","records","at"],"additionalProperties":false},
  "MyParty": {"title":"MyParty","description":"This application as grants of the person who asks name it; `account` is how it knows them.","type":"object","properties":{"app":{"type":"string"},"cluster":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"policy":{},"holder":{"type":"string"},"account":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"}},"required":["app","cluster","policy","holder","account"],"additionalProperties":false},
  "OrderTransfer": {"title":"OrderTransfer","description":"A signed grant of which this is the recipient; where its source is, and the key that it shows.","type":"object","properties":{"signed":{},"source":{"type":"string","maxLength":300},"holder":{"type":"string","maxLength":200}},"required":["signed","source","holder"],"additionalProperties":false},
  "TransferReport": {"title":"TransferReport","description":"A transfer, what was not taken, and the receipt that both signed.\n\n    `place` is where the receipt's digest stands in this vault's ledger.","type":"object","properties":{"transfer":{"$ref":"#/components/schemas/TransferShown"},"rejected":{"type":"array","items":{"$ref":"#/components/schemas/RefusedRecord"}},"receipt":{"anyOf":[{},{"type":"null"}]},"place":{"anyOf":[{"type":"integer","minimum":0,"maximum":9007199254740992},{"type":"null"}]}},"required":["transfer","rejected","receipt","place"],"additionalProperties":false},
  "TransferShown": {"title":"TransferShown","description":"A transfer; `total`, `count`, `dup` count records and parts of blobs: all, new ones, those that were there.\n\n    `done` of `chunks` are known to have arrived; `due` is when the source erases what has moved.","type":"object","properties":{"transfer":{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},"grant":{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},"way":{"enum":["in","out"]},"app":{"type":"string"},"mode":{"enum":["copy","move"]},"state":{"type":"string"},"why":{"type":"string"},"chunks":{"type":"integer","minimum":0,"maximum":9007199254740992},"done":{"type":"integer","minimum":0,"maximum":9007199254740992},"total":{"type":"integer","minimum":0,"maximum":9007199254740992},"count":{"type":"integer","minimum":0,"maximum":9007199254740992},"dup":{"type":"integer","minimum":0,"maximum":9007199254740992},"rejected":{"type":"integer","minimum":0,"maximum":9007199254740992},"asked":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776},"due":{"anyOf":[{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776},{"type":"null"}]}},"required":["transfer","grant","way","app","mode","state","why","chunks","done","total","count","dup","rejected","asked","due"],"additionalProperties":false},
  "AskTypes": {"title":"AskTypes","description":"What somebody thinks of bringing here.","type":"object","properties":{"types":{"type":"array","items":{"$ref":"#/components/schemas/OfferedType"},"maxItems":256}},"required":["types"],"additionalProperties":false},
  "OfferedType": {"title":"OfferedType","description":"What a source has of a type; `schema` is the digest of its type there.","type":"object","properties":{"type":{"type":"string","maxLength":128,"minLength":5,"pattern":"^[a-z0-9.-]*$"},"schema":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"records":{"type":"integer","minimum":0,"maximum":9007199254740992},"bytes":{"type":"integer","minimum":0,"maximum":9007199254740992}},"required":["type","schema","records","bytes"],"additionalProperties":false},
  "TypesTaken": {"title":"TypesTaken","description":"What would be taken, type by type; `full` says what of the quota is too little, \"\" if nothing.","type":"object","properties":{"types":{"type":"array","items":{"$ref":"#/components/schemas/TypeTaken"}},"full":{"type":"string"}},"required":["types","full"],"additionalProperties":false},
  "TypeTaken": {"title":"TypeTaken","description":"Whether a type would be taken; `code` says why not, \"\" if it would.","type":"object","properties":{"type":{"type":"string","maxLength":128,"minLength":5,"pattern":"^[a-z0-9.-]*$"},"code":{"type":"string"}},"required":["type","code"],"additionalProperties":false},
  "TransferPage": {"title":"TransferPage","description":"Transfers, newest first.","type":"object","properties":{"transfers":{"type":"array","items":{"$ref":"#/components/schemas/TransferShown"}}},"required":["transfers"],"additionalProperties":false},
  "FollowingShown": {"title":"FollowingShown","description":"A grant that is followed: changes that came in, and records that could not be taken.\n\n    `why` is the reason code of the state, \"\" while all is well.","type":"object","properties":{"grant":{"type":"string","maxLength":32,"minLength":32,"pattern":"^[0-9a-f]*$"},"app":{"type":"string"},"state":{"enum":["ended","following","waiting"]},"why":{"type":"string"},"received":{"type":"integer","minimum":0,"maximum":9007199254740992},"refused":{"type":"integer","minimum":0,"maximum":9007199254740992},"begun":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776},"heard":{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776}},"required":["grant","app","state","why","received","refused","begun","heard"],"additionalProperties":false},
  "FollowingList": {"title":"FollowingList","description":"What comes here, oldest first.","type":"object","properties":{"followings":{"type":"array","items":{"$ref":"#/components/schemas/FollowingShown"}}},"required":["followings"],"additionalProperties":false},
  "CountedShown": {"title":"CountedShown","description":"Whether a person is counted here, since when, and in what; nobody is who did not agree.","type":"object","properties":{"app":{"type":"string"},"counted":{"type":"boolean"},"since":{"anyOf":[{"description":"POSIX seconds.","type":"integer","minimum":0,"maximum":1099511627776},{"type":"null"}]},"statistics":{"type":"array","items":{"$ref":"#/components/schemas/StatisticShown"}}},"required":["app","counted","since","statistics"],"additionalProperties":false},
  "StatisticShown": {"title":"StatisticShown","description":"What administrators may ask: how many records of a type somebody has, the sum or the latest of a field.","type":"object","properties":{"name":{"type":"string"},"doc":{"type":"string"},"type":{"type":"string"},"take":{"enum":["latest","records","sum"]},"field":{"type":"string"},"within":{"type":"integer","minimum":0,"maximum":9007199254740992}},"required":["name","doc","type","take","field","within"],"additionalProperties":false},
  "Agree": {"title":"Agree","description":"Whether to be counted.","type":"object","properties":{"counted":{"type":"boolean"}},"required":["counted"],"additionalProperties":false},
  "About": {"title":"About","description":"What a vault is; `key` is the Ed25519 key that signs its archives and receipts.\n\n    `log` says whose log remembers receipts: its own, or that of the node which hosts it.","type":"object","properties":{"udi":{"type":"string"},"network":{"type":"string"},"site":{"type":"string"},"chain":{"type":"integer","minimum":0,"maximum":9007199254740992},"apps":{"type":"object","additionalProperties":{"type":"string"}},"keys":{"type":"string"},"key":{"type":"string","maxLength":64,"minLength":64,"pattern":"^[0-9a-f]*$"},"log":{"enum":["node","vault"]},"openapi":{"type":"string"}},"required":["udi","network","site","chain","apps","keys","key","log","openapi"],"additionalProperties":false},
  "Problem": {"title":"Problem","description":"Why a request was refused.\n\n    Attributes:\n        type: the reason code; stable, programs compare it.\n        title: what happened, for people.\n        detail: what to do next; may be empty.\n        facts: the values that explain it.","type":"object","properties":{"type":{"type":"string"},"title":{"type":"string"},"status":{"type":"integer"},"detail":{"type":"string"},"facts":{"type":"object","additionalProperties":{"type":"string"}}},"required":["type","title","status","detail","facts"]},
};
