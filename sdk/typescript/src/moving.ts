/** A person moves to another application: signs once what they read; the recipient then pulls it. Source: UDI/1, "Ordering". */

import type { MyParty, TransferReport } from "./api.js";
import { consentText, type Described, textHash } from "./consent.js";
import type { Language } from "./consent-words.js";
import { described, octets, policyOf } from "./described.js";
import { refuse } from "./errors.js";
import { encodeGrant, type Grant, type Party, type SignedGrant } from "./grant.js";
import type { Json } from "./json.js";
import { policyHash } from "./policy.js";
import { parseSelector } from "./selector.js";
import type { Vault } from "./vault.js";

const WEEK = 7 * 86_400;

/** What a person is asked: `text` says it, `left` are the types that would not come, with the reason. `order` signs it, once. */
export interface Move {
  readonly text: string;
  readonly left: readonly { readonly type: string; readonly code: string }[];
  readonly order: () => Promise<TransferReport>;
}

/** How a move is made: `move` erases at the source 72 hours later; `purpose` is one of the recipient's policy; `now` in POSIX seconds. */
export interface How {
  readonly account: string;
  readonly move: boolean;
  readonly now: number;
  readonly purpose?: string;
  readonly language?: Language;
}

/**
 * Ask what would come from one vault to another, both in sessions of the owner. `sign` signs a grant with the wallet
 * and, beside it, with a second key. Refuses: "move.nothing", "move.purpose", and what both vaults refuse.
 */
export async function planMove(source: Vault, recipient: Vault, how: How, sign: (grant: Grant) => Promise<SignedGrant>): Promise<Move> {
  const nobody = { parameters: {}, body: undefined };
  const [from, to, held] = await Promise.all([source.call("readMyParty", nobody), recipient.call("readMyParty", nobody), source.call("readData", nobody)]);
  const offered = await Promise.all(
    (held.apps.find((each) => each.app === from.app)?.types ?? []).map(async (each) => {
      const type = await source.call("readType", { parameters: { type: each.type }, body: undefined });
      return { ...each, schema: type.digest, described: described(type.digest, type.schema as Json) };
    }),
  );
  const types = offered.map(({ type, schema, records, bytes }) => ({ type, schema, records, bytes }));
  const told = await recipient.call("askTypes", { parameters: {}, body: { types } });
  const left = told.types.filter((each) => each.code !== "");
  const coming = new Map(offered.filter((each) => !left.some((one) => one.type === each.type)).map((each) => [each.type, each.described]));
  if (coming.size === 0) refuse("move.nothing", "nothing of this would come");
  const policy = policyOf(to.policy as Json);
  const purpose = how.purpose ?? policy.purposes[0] ?? refuse("move.purpose", "the recipient names no purpose");
  const logs = await Promise.all([source.account(how.account), recipient.account(how.account)]);
  const unsigned = grantOf({ how, purpose, coming, source: party(from), recipient: party(to), seq: Math.min(...logs.map((each) => each.seq)) });
  const text = consentText(unsigned, policy, coming, how.language ?? "en");
  const order = async (): Promise<TransferReport> => {
    const signed = encodeGrant(await sign({ ...unsigned, textHash: textHash(text) }));
    const body = { signed: JSON.parse(new TextDecoder().decode(signed)) as Json, source: source.url, holder: from.holder };
    return recipient.call("orderTransfer", { parameters: {}, body });
  };
  return { text, left, order };
}

function party(said: MyParty): Party {
  return { app: said.app, cluster: octets(said.cluster, 32), policy: policyHash(policyOf(said.policy as Json)), account: octets(said.account, 32) };
}

interface Said {
  readonly how: How;
  readonly purpose: string;
  readonly coming: ReadonlyMap<string, Described>;
  readonly source: Party;
  readonly recipient: Party;
  readonly seq: number;
}

function grantOf({ how, purpose, coming, source, recipient, seq }: Said): Grant {
  const random = (size: number): Uint8Array => crypto.getRandomValues(new Uint8Array(size));
  const scopes = [...coming].sort(([one], [other]) => (one < other ? -1 : 1));
  return {
    id: random(16),
    subject: octets(how.account, 32),
    kelSeq: seq,
    source,
    recipient,
    scopes: scopes.map(([dataType, type]) => ({ dataType, actions: ["read"], selector: parseSelector("all"), schema: type.schema })),
    purpose,
    mode: how.move ? 2 : 0,
    maxUses: 1,
    notBefore: how.now,
    expires: how.now + WEEK,
    retention: 0,
    onward: 0,
    textHash: new Uint8Array(32),
    nonce: random(32),
  };
}
