/** A refusal with a stable code; the text may change, the code may not. The codes are those of UDI/1. */
export class Refused extends Error {
  override readonly name = "Refused";

  constructor(
    /** Lower-case words with dots, such as "account.key". */
    readonly code: string,
    /** What happened, for a human. */
    what: string,
  ) {
    super(`${what} (${code})`);
  }
}

/** Stop with a code. */
export function refuse(code: string, what: string): never {
  throw new Refused(code, what);
}
