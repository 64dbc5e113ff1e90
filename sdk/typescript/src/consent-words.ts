/** The phrases of consent texts, letter by letter. Source: UDI/1, "Consent texts". */

import type { Level } from "./policy.js";
import type { Action } from "./scope.js";

export interface Words {
  readonly title: string;
  readonly who: string;
  readonly nobodys: string;
  readonly what: string;
  readonly sensitive: string;
  readonly fields: string;
  readonly may: string;
  readonly only: string;
  readonly since: string;
  readonly purpose: string;
  readonly modes: readonly [string, string, string];
  readonly time: string;
  readonly uses: string;
  readonly anyUse: string;
  readonly keeps: string;
  readonly keepsOn: string;
  readonly onward: string;
  readonly proof: string;
  readonly unproven: string;
  readonly pinned: string;
  readonly actions: Readonly<Record<Action, string>>;
  readonly levels: Readonly<Record<Level, string>>;
  /** Seconds, singular, plural; the largest first. */
  readonly units: readonly (readonly [size: number, one: string, many: string])[];
}

export type Language = "en" | "de";

export const WORDS: Readonly<Record<Language, Words>> = {
  en: {
    title: "You allow {recipient} to use records about you that are kept at {source}.",
    who: "{recipient} is the application of DAO {dao} on chain {chain}, in cluster {cluster}.",
    nobodys: "No DAO decides what {recipient} is: whoever runs it does.",
    what: "Records: {title} ({type}).",
    sensitive: "{title} (sensitive)",
    fields: "They contain: {fields}.",
    may: "Allowed: {actions}.",
    only: "Only records with: {conditions}.",
    since: "last change at or after {time}",
    purpose: 'Purpose, in the words of {recipient}: "{purpose}".',
    modes: [
      "How: one copy, once.",
      "How: again and again, without asking you each time.",
      "How: the records move. {source} erases its own 72 hours after {recipient} has them all.",
    ],
    time: "When: from {begin} until {end}. You can take this back at any time.",
    uses: "How often: at most {uses}.",
    anyUse: "How often: without limit.",
    keeps: "{recipient} may keep what it gets for {time}.",
    keepsOn: "{recipient} may keep what it gets until you tell it to erase.",
    onward: "{recipient} may not hand it on.",
    proof: "Proof asked of {recipient}: {level}, each time.",
    unproven: "Nothing proves which software runs at {recipient}.",
    pinned: "Only software that you have pinned: {measurements}.",
    actions: { aggregate: "count and sum", delete: "delete", read: "read", subscribe: "be told of changes", write: "create and change" },
    levels: {
      development: "for development only, anybody could have made it",
      "operator-trusted": "its operator is known, no hardware vouches for it",
      "measured-boot": "a TPM vouches for what was started",
      "confidential-vm": "a processor vouches for the software, memory is encrypted",
    },
    units: [[86_400, "day", "days"], [3_600, "hour", "hours"], [60, "minute", "minutes"], [1, "second", "seconds"]],
  },
  de: {
    title: "Sie erlauben {recipient}, Daten über Sie zu nutzen, die bei {source} liegen.",
    who: "{recipient} ist die Anwendung der DAO {dao} auf Chain {chain}, in Cluster {cluster}.",
    nobodys: "Keine DAO entscheidet, was {recipient} ist, sondern wer es betreibt.",
    what: "Daten: {title} ({type}).",
    sensitive: "{title} (sensibel)",
    fields: "Sie enthalten: {fields}.",
    may: "Erlaubt: {actions}.",
    only: "Nur Daten mit: {conditions}.",
    since: "letzter Änderung ab {time}",
    purpose: 'Zweck, in den Worten von {recipient}: "{purpose}".',
    modes: [
      "Wie: eine Kopie, einmal.",
      "Wie: immer wieder, ohne Sie jedes Mal zu fragen.",
      "Wie: die Daten ziehen um. {source} löscht sie 72 Stunden nachdem {recipient} alle hat.",
    ],
    time: "Wann: von {begin} bis {end}. Sie können das jederzeit widerrufen.",
    uses: "Wie oft: höchstens {uses}.",
    anyUse: "Wie oft: unbegrenzt.",
    keeps: "{recipient} darf behalten, was es bekommt: {time}.",
    keepsOn: "{recipient} darf behalten, was es bekommt, bis Sie das Löschen verlangen.",
    onward: "{recipient} darf nichts weitergeben.",
    proof: "Von {recipient} verlangter Nachweis: {level}, jedes Mal.",
    unproven: "Nichts beweist, welche Software bei {recipient} läuft.",
    pinned: "Nur Software, die Sie festgelegt haben: {measurements}.",
    actions: {
      aggregate: "zählen und summieren",
      delete: "löschen",
      read: "lesen",
      subscribe: "über Änderungen benachrichtigt werden",
      write: "anlegen und ändern",
    },
    levels: {
      development: "nur für die Entwicklung, jeder könnte ihn gemacht haben",
      "operator-trusted": "der Betreiber ist bekannt, keine Hardware bürgt",
      "measured-boot": "ein TPM bürgt für das, was gestartet wurde",
      "confidential-vm": "ein Prozessor bürgt für die Software, der Speicher ist verschlüsselt",
    },
    units: [[86_400, "Tag", "Tage"], [3_600, "Stunde", "Stunden"], [60, "Minute", "Minuten"], [1, "Sekunde", "Sekunden"]],
  },
};
