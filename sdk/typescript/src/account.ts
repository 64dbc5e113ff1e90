/** An account: who speaks for it after each event. Source: UDI/1, "Accounts", which numbers the rules and orders the checks. */

import { hex } from "./bytes.js";
import { refuse } from "./errors.js";
import { type Action, commitmentOf, digestOf, type Event, type Guardian, type Hex32, NOTHING, type Opening, type SignedEvent } from "./event.js";
import { checkSignature, type Key, type Witness } from "./key.js";
import type { Schema } from "./typed-data.js";

const HOUR = 3_600;
const DAY = 24 * HOUR;
const MOST_EVENTS = 4_096;
const MOST_KEYS = 16;
const SKEW = 120;

export interface Recovery {
  readonly digest: Hex32;
  readonly key: Key;
  /** Commitments of the guardians who agreed. */
  readonly approvals: ReadonlySet<Hex32>;
  /** When enough had agreed. */
  readonly enough: number | null;
  /** When an old key agreed. */
  readonly device: number | null;
}

export interface Account {
  readonly id: Hex32;
  readonly seq: number;
  readonly head: Hex32;
  readonly at: number;
  /** Text of each key, and from when on it is not young. */
  readonly keys: ReadonlyMap<string, number>;
  readonly guardians: readonly Guardian[];
  /** Guardians who were asked for, and from when on they count. */
  readonly coming: { readonly guardians: readonly Guardian[]; readonly from: number } | null;
  /** When the last freeze was; null when it was ended. */
  readonly frozen: number | null;
  readonly recovery: Recovery | null;
  readonly cancels: number;
  /** No recovery before this time. */
  readonly calm: number;
  readonly revokedBefore: number;
}

export type Act = "read" | "grant" | "heavy";

export function isFrozen(account: Account, now: number): boolean {
  return account.frozen !== null && now < account.frozen + 5 * DAY;
}

/** From when on the new key may take over; null while approvals are missing. */
export function readyAt({ enough, device }: Recovery): number | null {
  if (enough === null) return null;
  const blind = enough + 7 * DAY;
  return device === null ? blind : Math.min(blind, Math.max(enough, device) + 48 * HOUR);
}

/** Refuse unless a key may do this now; "heavy" is to move, erase or export. Refuses: "account.*". */
export function checkAct(account: Account, key: string, act: Act, now: number): void {
  const since = account.keys.get(key) ?? refuse("account.key", "not a key of this account");
  if (act !== "read" && isFrozen(account, now)) refuse("account.frozen", "the account is frozen");
  if (act === "heavy" && now < since) refuse("account.young", "this key is too new for that");
}

/** The account after an event that arrives now. Refuses: "account.*", and the codes of its key. */
export function accept(account: Account | null, signed: SignedEvent, schema: Schema, now: number, witness: Witness = {}): Account {
  if (Math.abs(signed.event.at - now) > SKEW) refuse("account.clock", "not of this time");
  if (account !== null && account.seq + 1 >= MOST_EVENTS) refuse("account.full", "too many events");
  return step(account, signed, schema, witness);
}

/** The account after a log that somebody hands over, who is trusted about when its events came. */
export function replay(log: readonly SignedEvent[], schema: Schema, witness: Witness = {}): Account {
  let account: Account | null = null;
  for (const [place, each] of log.entries()) {
    if (place >= MOST_EVENTS) refuse("account.full", "too many events");
    account = step(account, each, schema, witness);
  }
  return account ?? refuse("account.link", "an account begins with its inception");
}

function step(account: Account | null, { event, key, signature }: SignedEvent, schema: Schema, witness: Witness): Account {
  const digest = digestOf(event, schema);
  checkSignature(key, digest, signature, witness);
  return advance(account, event, key, hex(digest));
}

/** The account after an event whose signature is good. Refuses: "account.*". */
export function advance(account: Account | null, event: Event, signer: Key, digest: Hex32): Account {
  if (account === null) return begin(event, signer, digest);
  const next = event.account === account.id && event.seq === account.seq + 1 && event.prior === account.head;
  if (!next || event.action.kind === "incept") refuse("account.link", "not the next event of this account");
  if (event.at < account.at) refuse("account.time", "older than the event before");
  const arrived = account.coming !== null && event.at >= account.coming.from;
  const now = arrived ? { ...account, guardians: account.coming.guardians, coming: null } : account;
  const change = apply(now, event.action, { signer, at: event.at, digest });
  return { ...now, ...change, seq: event.seq, head: digest, at: event.at };
}

function begin({ account, seq, prior, action, at }: Event, signer: Key, digest: Hex32): Account {
  if (action.kind !== "incept" || account !== NOTHING || prior !== NOTHING || seq !== 0) {
    return refuse("account.link", "an account begins with its inception");
  }
  const keys = new Map(action.keys.map((each) => [each.text, at]));
  if (!keys.has(signer.text)) refuse("account.key", "not signed by one of its keys");
  const fresh = { coming: null, frozen: null, recovery: null, cancels: 0, calm: 0, revokedBefore: 0 };
  return { id: digest, seq, head: digest, at, keys, guardians: action.guardians, ...fresh };
}

/** Who signed what when. */
interface Moment {
  readonly signer: Key;
  readonly at: number;
  readonly digest: Hex32;
}
type Change = Partial<Account>;

function apply(account: Account, action: Action, moment: Moment): Change {
  const { signer, at } = moment;
  switch (action.kind) {
    case "incept":
      return refuse("account.link", "an account begins once");
    case "add":
      return add(account, action.key, moment);
    case "remove":
      mayPushOut(account, action.key, moment);
      if (account.keys.size === 1) refuse("account.last-key", "the last key stays");
      return { keys: without(account, action.key) };
    case "rotate":
      thawed(account, at);
      mayPushOut(account, action.old, moment);
      isNew(account, action.key);
      return { keys: without(account, action.old).set(action.key.text, at + DAY) };
    case "guardians":
      since(account, signer);
      thawed(account, at);
      notYoung(account, moment);
      return { coming: { guardians: action.guardians, from: at + 7 * DAY } };
    case "freeze":
      keyOrGuardian(account, action.guardian, signer);
      return { frozen: at };
    case "unfreeze":
      return thaw(account, moment);
    case "revoke-grants":
      since(account, signer);
      if (action.before < account.revokedBefore || action.before > at) refuse("account.before", "neither back nor ahead");
      return { revokedBefore: action.before };
    case "recover":
      return recover(account, action.guardian, action.key, moment);
    case "approve":
      return approve(account, action.guardian, action.recovery, moment);
    case "cancel":
      return cancel(account, action.guardian, action.recovery, moment);
    case "execute":
      return execute(account, action.recovery, moment);
  }
}

function add(account: Account, key: Key, { signer, at }: Moment): Change {
  since(account, signer);
  thawed(account, at);
  isNew(account, key);
  if (account.keys.size >= MOST_KEYS) refuse("account.full", "an account has at most 16 keys");
  return { keys: new Map(account.keys).set(key.text, at + DAY) };
}

function thaw(account: Account, moment: Moment): Change {
  since(account, moment.signer);
  notYoung(account, moment);
  if (account.frozen === null || !isFrozen(account, moment.at)) return refuse("account.not-frozen", "not frozen");
  if (moment.at < account.frozen + 48 * HOUR) refuse("account.thaw", "a freeze holds for 48 hours");
  return { frozen: null };
}

function recover(account: Account, guardian: Opening, key: Key, { signer, at, digest }: Moment): Change {
  const helper = commitment(account, guardian, signer);
  isNew(account, key);
  if (account.recovery !== null) refuse("account.recovery", "a recovery is under way");
  if (at < account.calm) refuse("account.calm", "too many recoveries were cancelled");
  const recovery = { digest, key, approvals: new Set([helper]), enough: null, device: null };
  return { recovery: counted(account, recovery, at) };
}

function approve(account: Account, guardian: Opening | undefined, asked: Hex32, { signer, at }: Moment): Change {
  const recovery = asksFor(account, asked);
  if (guardian === undefined) {
    since(account, signer);
    if (recovery.device !== null) refuse("account.approved", "an old key agreed already");
    return { recovery: { ...recovery, device: at } };
  }
  const helper = commitment(account, guardian, signer);
  if (recovery.approvals.has(helper)) refuse("account.approved", "this guardian agreed already");
  return { recovery: counted(account, { ...recovery, approvals: new Set([...recovery.approvals, helper]) }, at) };
}

/** Whether those who agree are now a majority of those who are guardians now: at least ⌈(n+1)/2⌉. */
function counted(account: Account, recovery: Recovery, at: number): Recovery {
  const votes = account.guardians.filter((each) => recovery.approvals.has(each.commitment)).length;
  const enough = votes >= Math.ceil((account.guardians.length + 1) / 2);
  return { ...recovery, enough: recovery.enough ?? (enough ? at : null) };
}

function cancel(account: Account, guardian: Opening | undefined, asked: Hex32, { signer, at }: Moment): Change {
  asksFor(account, asked);
  keyOrGuardian(account, guardian, signer);
  if (account.cancels < 2) return { recovery: null, cancels: account.cancels + 1 };
  return { recovery: null, cancels: 0, calm: at + 30 * DAY };
}

function execute(account: Account, asked: Hex32, { signer, at }: Moment): Change {
  const recovery = asksFor(account, asked);
  thawed(account, at);
  if (signer.text !== recovery.key.text) refuse("account.key", "only the new key itself takes over");
  const ready = readyAt(recovery) ?? refuse("account.approvals", "approvals are missing");
  if (at < ready) refuse("account.wait", "the waiting time is not over");
  return { keys: new Map([[signer.text, at + DAY]]), recovery: null, coming: null, cancels: 0 };
}

function without(account: Account, key: Key): Map<string, number> {
  const kept = new Map(account.keys);
  kept.delete(key.text);
  return kept;
}

/** From when on a key of the account is not young. */
function since(account: Account, key: Key): number {
  return account.keys.get(key.text) ?? refuse("account.key", "not a key of this account");
}

function thawed(account: Account, at: number): void {
  if (isFrozen(account, at)) refuse("account.frozen", "the account is frozen");
}

function notYoung(account: Account, { signer, at }: Moment): void {
  if (at < since(account, signer)) refuse("account.young", "this key is too new for that");
}

/** A young key pushes out itself, or a key that is not older. */
function mayPushOut(account: Account, old: Key, moment: Moment): void {
  const [own, others] = [since(account, moment.signer), since(account, old)];
  if (others < own) notYoung(account, moment);
}

function isNew(account: Account, key: Key): void {
  if (account.keys.has(key.text)) refuse("account.key-twice", "a key of this account already");
}

function asksFor(account: Account, asked: Hex32): Recovery {
  if (account.recovery?.digest !== asked) return refuse("account.no-recovery", "no such recovery");
  return account.recovery;
}

function keyOrGuardian(account: Account, guardian: Opening | undefined, signer: Key): void {
  if (guardian === undefined) since(account, signer);
  else commitment(account, guardian, signer);
}

function commitment(account: Account, guardian: Opening, signer: Key): Hex32 {
  const made = commitmentOf(guardian);
  const known = account.guardians.some((each) => each.commitment === made);
  return known && guardian.key.text === signer.text ? made : refuse("account.guardian", "not a guardian of this account");
}
