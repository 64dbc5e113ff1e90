/** A wallet for tests: EIP-1193 in front of a key that everybody knows. It signs with viem, so not with this SDK. */

import { type Hex, isHex, type TypedDataDefinition } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import type { Provider } from "../src/index.js";

export class TestWallet implements Provider {
  readonly account: ReturnType<typeof privateKeyToAccount>;
  /** What it was asked, in order. */
  readonly asked: string[] = [];

  constructor(secret: Hex) {
    this.account = privateKeyToAccount(secret);
  }

  async request({ method, params = [] }: { method: string; params?: readonly unknown[] }): Promise<unknown> {
    this.asked.push(method);
    if (method === "eth_requestAccounts") return [this.account.address.toLowerCase()];
    if (method === "personal_sign" && isHex(params[0])) return this.account.signMessage({ message: { raw: params[0] } });
    if (method === "eth_signTypedData_v4" && typeof params[1] === "string") {
      return this.account.signTypedData(JSON.parse(params[1]) as TypedDataDefinition);
    }
    throw Object.assign(new Error(`${method} is not supported`), { code: 4200 });
  }
}
