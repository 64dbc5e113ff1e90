/**
 * Whether an answer has the form that a description promises: the part of JSON Schema 2020-12 that vaults use.
 *
 * Fields that the description does not know are left alone: a newer vault may say more.
 */

import { isList, isObject, type Json, type JsonObject } from "./json.js";

/** @param schemas what `$ref` may name. */
export function fits(value: Json | undefined, schema: Json | undefined, schemas: JsonObject): boolean {
  if (!isObject(schema) || value === undefined) return false;
  const { $ref: reference, anyOf, enum: known } = schema as { $ref?: Json; anyOf?: Json; enum?: Json };
  if (typeof reference === "string") return fits(value, schemas[reference.slice(reference.lastIndexOf("/") + 1)], schemas);
  if (isList(anyOf)) return anyOf.some((each) => fits(value, each, schemas));
  if (isList(known)) return known.includes(value);
  switch (schema["type"]) {
    case "object":
      return isObject(value) && fieldsFit(value, schema, schemas);
    case "array":
      return isList(value) && value.every((each) => fits(each, schema["items"] ?? {}, schemas));
    case "string":
      return typeof value === "string" && textFits(value, schema);
    case "integer":
      return typeof value === "number" && Number.isInteger(value) && numberFits(value, schema);
    case "number":
      return typeof value === "number" && numberFits(value, schema);
    case "boolean":
      return typeof value === "boolean";
    case "null":
      return value === null;
    default:
      return schema["type"] === undefined;
  }
}

function fieldsFit(value: JsonObject, schema: JsonObject, schemas: JsonObject): boolean {
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  const required = isList(schema["required"]) ? schema["required"] : [];
  const more = schema["additionalProperties"] ?? true;
  const known = Object.entries(value).every(([name, each]) => {
    if (Object.hasOwn(properties, name)) return fits(each, properties[name], schemas);
    return typeof more === "boolean" || fits(each, more, schemas);
  });
  return known && required.every((name) => typeof name === "string" && Object.hasOwn(value, name));
}

function textFits(value: string, { minLength, maxLength, pattern }: JsonObject): boolean {
  const size = [...value].length;
  const long = (typeof minLength !== "number" || size >= minLength) && (typeof maxLength !== "number" || size <= maxLength);
  return long && (typeof pattern !== "string" || new RegExp(pattern, "u").test(value));
}

function numberFits(value: number, { minimum, maximum }: JsonObject): boolean {
  return (typeof minimum !== "number" || value >= minimum) && (typeof maximum !== "number" || value <= maximum);
}
