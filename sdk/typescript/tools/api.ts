/**
 * Writes `src/api.ts` from the description that a vault serves:
 *
 *     curl -s http://127.0.0.1:8300/openapi.json | npm run -s api
 */

import { writeFileSync } from "node:fs";
import { json } from "node:stream/consumers";
import type { Json, JsonObject } from "../src/json.js";
import { list, object, text } from "../test/judges.js";

const OUT = new URL("../../src/api.ts", import.meta.url);
const JSON_MEDIA = "application/json";

/** A schema as a type. */
function typeOf(schema: JsonObject): string {
  const reference = schema["$ref"];
  if (typeof reference === "string") return reference.replace(/^.*\//, "");
  if (schema["enum"] !== undefined) return list(schema["enum"]).map((each) => JSON.stringify(each)).join(" | ");
  if (schema["anyOf"] !== undefined) return list(schema["anyOf"]).map((each) => typeOf(object(each))).join(" | ");
  switch (schema["type"]) {
    case "array":
      return `readonly (${typeOf(object(schema["items"] ?? {}))})[]`;
    case "object":
      return objectOf(schema);
    case "integer":
    case "number":
      return "number";
    case "string":
    case "boolean":
    case "null":
      return text(schema["type"]);
    default:
      return "Json";
  }
}

function objectOf(schema: JsonObject): string {
  const more = schema["additionalProperties"];
  if (schema["properties"] === undefined) return more === undefined || typeof more === "boolean" ? "JsonObject" : `Readonly<Record<string, ${typeOf(object(more))}>>`;
  const required = list(schema["required"] ?? []);
  const fields = Object.entries(object(schema["properties"])).map(([name, each]) => {
    return `readonly ${name}${required.includes(name) ? "" : "?"}: ${typeOf(object(each))};`;
  });
  return `{ ${fields.join(" ")} }`;
}

/** The one kind of content of a body or an answer, as a type and as a media type. */
function contentOf(value: Json | undefined): { type: string; media: string } {
  const [found] = Object.entries(object(value ?? {}));
  if (found === undefined) return { type: "undefined", media: "" };
  const [media, content] = found;
  const schema = object(object(content)["schema"]);
  return { type: media === JSON_MEDIA ? typeOf(schema) : "Uint8Array", media };
}

function operation(path: string, method: string, said: JsonObject): { name: string; type: string; value: JsonObject } {
  const parameters = list(said["parameters"] ?? []).map(object);
  const named = parameters.map((each) => `readonly ${JSON.stringify(each["name"])}${each["required"] === true ? "" : "?"}: ${typeOf(object(each["schema"]))};`);
  const good = Object.entries(object(said["responses"])).find(([status]) => status.startsWith("2"));
  const [body, answer] = [contentOf(object(said["requestBody"] ?? {})["content"]), contentOf(object(good?.[1] ?? {})["content"])];
  // A signed document is JSON, too, but its bytes are what was signed.
  const raw = body.type === "JsonObject" ? { ...body, type: "Uint8Array" } : body;
  const places = Object.fromEntries(parameters.map((each) => [text(each["name"]), text(each["in"])]));
  const value = { method: method.toUpperCase(), path, parameters: places, sends: body.media, answer: answer.type };
  return { name: text(said["operationId"]), type: `{ parameters: { ${named.join(" ")} }; body: ${raw.type}; answer: ${answer.type} }`, value };
}

const described = object((await json(process.stdin)) as Json);
const schemas = object(object(described["components"])["schemas"]);
const operations = Object.entries(object(described["paths"])).flatMap(([path, methods]) =>
  Object.entries(object(methods)).map(([method, said]) => operation(path, method, object(said))),
);
const interfaces = Object.entries(schemas).map(([name, schema]) => {
  const about = object(schema)["description"];
  return `${typeof about === "string" ? `/** ${about.replaceAll("\n", " ")} */\n` : ""}export type ${name} = ${typeOf(object(schema))};`;
});
const imported = JSON.stringify(operations.map(({ type }) => type)).match(/\bJson\b/) !== null || interfaces.some((each) => /\bJson\b/.test(each));
const source = `/** Made by \`npm run api\` from the description that a vault serves; not to be edited. */

import type { ${imported ? "Json, " : ""}JsonObject } from "./json.js";

${interfaces.join("\n\n")}

/** What each operation takes and answers. */
export interface Operations {
${operations.map(({ name, type }) => `  readonly ${name}: ${type};`).join("\n")}
}

/** Where each operation is. */
export const OPERATIONS: Readonly<Record<keyof Operations, JsonObject>> = {
${operations.map(({ name, value }) => `  ${name}: ${JSON.stringify(value)},`).join("\n")}
};

/** The forms of answers. */
export const SCHEMAS: JsonObject = {
${Object.entries(schemas).map(([name, schema]) => `  ${JSON.stringify(name)}: ${JSON.stringify(schema)},`).join("\n")}
};
`;
writeFileSync(OUT, source);
