/** Requests to a vault. Source: UDI/1, "HTTP". */

import { refuse, Refused } from "./errors.js";
import { isObject, type Json, type JsonObject } from "./json.js";

/** A vault at an address, and whose session asks there. */
export class Vault {
  constructor(
    /** Of its site, without a slash at its end; "" for the one that served this page. */
    readonly url: string,
    readonly token = "",
  ) {}

  /** What it answers; {} for nothing. Refuses with its own code, or "vault.answer". */
  async ask(method: "GET" | "POST" | "DELETE", path: string, body?: Json | Uint8Array<ArrayBuffer>): Promise<JsonObject> {
    const headers: Record<string, string> = {};
    if (this.token !== "") headers["Authorization"] = `Bearer ${this.token}`;
    const options: RequestInit = { method, headers, redirect: "error", referrerPolicy: "no-referrer" };
    if (body !== undefined) {
      headers["Content-Type"] = "application/json";
      options.body = body instanceof Uint8Array ? body : JSON.stringify(body);
    }
    const answer = await fetch(this.url + path, options);
    const text = await answer.text();
    const value: Json = text === "" ? {} : parse(text);
    if (!isObject(value)) return refuse("vault.answer", "what answers there is no vault");
    if (answer.ok) return value;
    throw new Refused(string(value, "type"), string(value, "title"));
  }
}

/** A text of an answer. Refuses: "vault.answer". */
export function string(value: JsonObject, name: string): string {
  const found = value[name];
  return typeof found === "string" ? found : refuse("vault.answer", `no ${name}`);
}

/** A number of an answer. Refuses: "vault.answer". */
export function number(value: JsonObject, name: string): number {
  const found = value[name];
  return typeof found === "number" ? found : refuse("vault.answer", `no ${name}`);
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return refuse("vault.answer", "what answers there is no vault");
  }
}
