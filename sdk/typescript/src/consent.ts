/** The text that a person agrees to, made from the grant itself. Source: UDI/1, "Consent texts". */

import { sha256 } from "@noble/hashes/sha2.js";
import { hex, same, utf8 } from "./bytes.js";
import { type Language, type Words, WORDS } from "./consent-words.js";
import { refuse } from "./errors.js";
import type { Grant } from "./grant.js";
import { NOBODY, type ReleasePolicy } from "./policy.js";
import type { Scope } from "./scope.js";
import { type Selector, spellLiteral } from "./selector.js";

/** Words of people by language; English always among them. */
export type Titles = Readonly<Record<string, string>>;

/** A declared type in people's words; `fields` in the order of their names. */
export interface Described {
  readonly schema: Uint8Array;
  readonly titles: Titles;
  readonly fields: readonly { readonly titles: Titles; readonly sensitive: boolean }[];
}

/** The text of a grant in a language. Refuses: "consent.language", "consent.type", "consent.schema". */
export function consentText(grant: Grant, policy: ReleasePolicy, types: ReadonlyMap<string, Described>, language: string): string {
  if (!isLanguage(language)) return refuse("consent.language", "no texts in this language");
  const words = WORDS[language];
  const names = { recipient: `"${grant.recipient.app}"`, source: `"${grant.source.app}"` };
  const say = (phrase: string, more: Titles = {}): string => fill(phrase, { ...names, ...more });
  const cluster = BigInt(`0x${hex(grant.recipient.cluster)}`).toString();
  const who = policy.dao === NOBODY ? words.nobodys : words.who;
  const lines = [say(words.title), say(who, { dao: policy.dao, chain: String(policy.chain), cluster }), ""];
  for (const scope of grant.scopes) lines.push(...about(scope, types, words, language), "");
  lines.push(
    say(words.purpose, { purpose: grant.purpose }),
    say(words.modes[grant.mode]),
    say(words.time, { begin: clock(grant.notBefore), end: clock(grant.expires) }),
    grant.maxUses > 0 ? say(words.uses, { uses: String(grant.maxUses) }) : say(words.anyUse),
    grant.retention > 0 ? say(words.keeps, { time: duration(grant.retention, words) }) : say(words.keepsOn),
    say(words.onward),
  );
  if (policy.evidence === null) lines.push(say(words.unproven));
  else {
    lines.push(say(words.proof, { level: words.levels[policy.evidence] }));
    if (policy.measurements !== null) lines.push(say(words.pinned, { measurements: policy.measurements.join(", ") }));
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** What a grant says of its text. */
export function textHash(text: string): Uint8Array {
  return sha256(utf8(text));
}

/** The language in which the person read the text of a grant. Refuses: "consent.*". */
export function checkText(grant: Grant, policy: ReleasePolicy, types: ReadonlyMap<string, Described>): Language {
  const found = (["de", "en"] as const).find((each) => same(textHash(consentText(grant, policy, types, each)), grant.textHash));
  return found ?? refuse("consent.text", "the text that was shown is not the one of this grant");
}

function about(scope: Scope, types: ReadonlyMap<string, Described>, words: Words, language: Language): string[] {
  const described = types.get(scope.dataType) ?? refuse("consent.type", "a type that is not declared here");
  if (!same(described.schema, scope.schema)) refuse("consent.schema", "the type has another schema now");
  const lines = [fill(words.what, { title: title(described.titles, language), type: scope.dataType })];
  if (described.fields.length > 0) {
    const shown = described.fields.map(({ titles, sensitive }) => {
      const plain = title(titles, language);
      return sensitive ? fill(words.sensitive, { title: plain }) : plain;
    });
    lines.push(fill(words.fields, { fields: shown.join(", ") }));
  }
  lines.push(fill(words.may, { actions: scope.actions.map((each) => words.actions[each]).join(", ") }));
  const conditions = spellConditions(scope.selector, words);
  if (conditions.length > 0) lines.push(fill(words.only, { conditions: conditions.join("; ") }));
  return lines;
}

function spellConditions({ since, equal }: Selector, words: Words): string[] {
  const equations = equal.map(([field, value]) => `${field} = ${spellLiteral(value)}`);
  return since === null ? equations : [fill(words.since, { time: clock(since) }), ...equations];
}

/** Each name in braces by its value; values are never looked into. */
function fill(phrase: string, values: Titles): string {
  return phrase.replaceAll(/\{([a-z]+)\}/g, (_, name: string) => values[name] ?? refuse("consent.text", `no ${name}`));
}

function title(titles: Titles, language: Language): string {
  return titles[language] ?? titles["en"] ?? refuse("consent.type", "a type without an English title");
}

function clock(at: number): string {
  const stamp = new Date(at * 1_000).toISOString();
  return `${stamp.slice(0, 10)} ${stamp.slice(11, 19)} UTC`;
}

/** In the largest unit of which it is a whole number. */
function duration(seconds: number, { units }: Words): string {
  const [size, one, many] = units.find(([each]) => seconds % each === 0) ?? refuse("consent.text", "no duration");
  const count = seconds / size;
  return `${count} ${count === 1 ? one : many}`;
}

function isLanguage(language: string): language is Language {
  return Object.hasOwn(WORDS, language);
}
