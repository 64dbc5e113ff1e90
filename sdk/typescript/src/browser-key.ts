/**
 * A key of this browser, as a device's: its secret is made and kept by the browser, and no script can read it, ours included.
 * A script of an attacker can use it while the page is open; it cannot take it away. Source: Web Cryptography API, "Ed25519"; Indexed Database API 3.0.
 */

import { hex } from "./bytes.js";
import { tagged } from "./device.js";
import { refuse } from "./errors.js";
import { type Key, parseKey } from "./key.js";

const [DATABASE, STORE, NAME] = ["udi", "keys", "device"];

export class BrowserKey {
  private constructor(
    readonly key: Key,
    private readonly secret: CryptoKey,
  ) {}

  /** A new key, kept in place of an earlier one. Refuses: "device.none". */
  static async make(): Promise<BrowserKey> {
    const pair = await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]).catch(() => undefined);
    if (pair === undefined || !("privateKey" in pair)) return refuse("device.none", "this browser cannot make keys of Ed25519");
    await kept("readwrite", (store) => store.put(pair, NAME));
    return BrowserKey.of(pair);
  }

  /** The key that was made here; null where none was. */
  static async find(): Promise<BrowserKey | null> {
    const pair = await kept<CryptoKeyPair | undefined>("readonly", (store) => store.get(NAME));
    return pair === undefined ? null : BrowserKey.of(pair);
  }

  /** A signature over a digest of 32 bytes. */
  async sign(digest: Uint8Array): Promise<Uint8Array> {
    return new Uint8Array(await crypto.subtle.sign("Ed25519", this.secret, new Uint8Array(tagged(digest))));
  }

  private static async of({ publicKey, privateKey }: CryptoKeyPair): Promise<BrowserKey> {
    const point = new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
    return new BrowserKey(parseKey(`ed25519-device:${hex(point)}`), privateKey);
  }
}

/** One request to the store of keys of this origin. */
async function kept<T>(mode: IDBTransactionMode, ask: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = (): unknown => opening.result.createObjectStore(STORE);
  const database = await answered(opening);
  try {
    const transaction = database.transaction(STORE, mode);
    const value = await answered(ask(transaction.objectStore(STORE)));
    await new Promise((done, failed) => {
      transaction.oncomplete = done;
      transaction.onabort = failed;
    });
    return value;
  } finally {
    database.close();
  }
}

function answered<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((done, failed) => {
    request.onsuccess = (): void => done(request.result);
    request.onerror = (): void => failed(request.error ?? new Error("the browser keeps nothing"));
  });
}
