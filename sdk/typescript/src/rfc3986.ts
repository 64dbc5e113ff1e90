/** URIs, part by part. Source: RFC 3986 appendix A, with the bounds of UDI/1, "Sign-in". */

const UNRESERVED = "A-Za-z0-9._~\\-";
const SUB_DELIMS = "!$&'()*+,;=";
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/;
const PORT = /^[0-9]{1,5}$/;
const BRACKETS = /^\[[0-9A-Fa-f:.]{2,45}\]$/;

/** Only characters of a set, and whole percent-encodings. */
function only(extra: string): (text: string) => boolean {
  const one = new RegExp(`^(?:[${UNRESERVED}${SUB_DELIMS}${extra}]|%[0-9A-Fa-f]{2})*$`);
  return (text) => one.test(text);
}

const isName = only("");
const isUser = only(":");
/** Characters of one segment of a path. */
export const isSegment = only(":@");
const isPath = only(":@/");
const isQuery = only(":@/?");

export function isScheme(text: string): boolean {
  return SCHEME.test(text);
}

/** `[user@]host[:port]`. */
export function isAuthority(text: string): boolean {
  const at = text.indexOf("@");
  if (at >= 0 && !isUser(text.slice(0, at))) return false;
  const rest = text.slice(at + 1);
  const colon = rest.lastIndexOf(":");
  const hasPort = colon > rest.lastIndexOf("]");
  if (hasPort && !PORT.test(rest.slice(colon + 1))) return false;
  const host = hasPort ? rest.slice(0, colon) : rest;
  return BRACKETS.test(host) || (host !== "" && isName(host));
}

/** `scheme:[//authority]path[?query][#fragment]`. */
export function isUri(text: string): boolean {
  const colon = text.indexOf(":");
  if (colon < 0 || !isScheme(text.slice(0, colon))) return false;
  const [before, fragment] = cut(text.slice(colon + 1), "#");
  const [hierarchy, query] = cut(before, "?");
  if (!isQuery(fragment) || !isQuery(query)) return false;
  if (!hierarchy.startsWith("//")) return isPath(hierarchy);
  const slash = hierarchy.indexOf("/", 2);
  const end = slash < 0 ? hierarchy.length : slash;
  return isAuthority(hierarchy.slice(2, end)) && isPath(hierarchy.slice(end));
}

/** The text before the first mark, and after it. */
function cut(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
