/** What somebody may do with which records. Source: UDI/1, "Scopes". */

import { hex, same } from "./bytes.js";
import type { Json, JsonObject } from "./json.js";
import { ascend, DATA_TYPE, readers } from "./reading.js";
import { isSelectorWithin, parseSelector, type Selector, spellSelector } from "./selector.js";
import type { Struct } from "./typed-data.js";

export const ACTIONS = ["aggregate", "delete", "read", "subscribe", "write"] as const;
export type Action = (typeof ACTIONS)[number];

export interface Scope {
  readonly dataType: string;
  readonly actions: readonly Action[];
  readonly selector: Selector;
  /** SHA-256 of the schema that the person agreed to. */
  readonly schema: Uint8Array;
}

const read = readers("scope.form");

/** 1 to 16 scopes in order. Refuses: "scope.form", "selector.form". */
export function readScopes(value: Json | undefined): readonly Scope[] {
  const scopes = read.list(value, 1, 16).map(readScope);
  const order = (one: Scope, other: Scope): boolean =>
    one.dataType < other.dataType || (one.dataType === other.dataType && spellSelector(one.selector) < spellSelector(other.selector));
  for (const [at, each] of scopes.entries()) {
    const before = scopes[at - 1];
    if (before !== undefined && !order(before, each)) read.bad("in order");
  }
  return scopes;
}

function readScope(value: Json): Scope {
  const said = read.object(value, "dataType", "actions", "selector", "schema");
  const dataType = read.text(said["dataType"], DATA_TYPE);
  const actions = read.list(said["actions"], 1, ACTIONS.length).map((each) => ACTIONS.find((known) => known === each) ?? read.bad("an action"));
  if (!ascend(actions)) read.bad("actions in order");
  const schema = read.octets(said["schema"], 32);
  return { dataType, actions, selector: parseSelector(said["selector"]), schema };
}

export function scopeJson({ dataType, actions, selector, schema }: Scope): JsonObject {
  return { dataType, actions, selector: spellSelector(selector), schema: hex(schema) };
}

export function scopeStruct({ dataType, actions, selector, schema }: Scope): Struct {
  return { dataType, actions, selector: spellSelector(selector), schema };
}

/** Whether one allows nothing that the other does not. */
export function isScopeWithin(one: Scope, other: Scope): boolean {
  const alike = one.dataType === other.dataType && same(one.schema, other.schema);
  return alike && one.actions.every((each) => other.actions.includes(each)) && isSelectorWithin(one.selector, other.selector);
}
