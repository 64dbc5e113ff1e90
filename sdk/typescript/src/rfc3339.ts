/** Times as sign-in messages write them. Source: RFC 3339 section 5.6, with the bounds of UDI/1, "Sign-in". */

const LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Whole POSIX seconds; null if it is not such a time. Fractions are dropped. */
export function seconds(text: string): number | null {
  // Fixed places first: "2027-01-15T08:00:00", then a fraction, then the zone.
  const [date, clock] = [text.slice(0, 10), text.slice(11, 19)];
  const [year, month, day] = numbers(date, "-", [4, 2, 2]);
  const [hour, minute, second] = numbers(clock, ":", [2, 2, 2]);
  if (year === undefined || month === undefined || day === undefined || text[10] !== "T") return null;
  if (hour === undefined || minute === undefined || second === undefined) return null;
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) return null;
  if (hour > 23 || minute > 59 || second > 59) return null;
  const offset = zone(withoutFraction(text.slice(19)));
  return offset === null ? null : daysBefore(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset;
}

/** Decimal numbers of these lengths between separators; nothing if they are not. */
function numbers(text: string, separator: string, lengths: readonly number[]): number[] {
  const parts = text.split(separator);
  const fit = parts.length === lengths.length && parts.every((part, at) => part.length === lengths[at] && /^[0-9]+$/.test(part));
  return fit ? parts.map(Number) : [];
}

function withoutFraction(rest: string): string {
  return rest.replace(/^\.[0-9]{1,9}(?=[Z+-])/, "");
}

/** Seconds east of Greenwich. */
function zone(text: string): number | null {
  if (text === "Z") return 0;
  const [hours, minutes] = numbers(text.slice(1), ":", [2, 2]);
  if (hours === undefined || minutes === undefined || hours > 23 || minutes > 59) return null;
  if (text[0] !== "+" && text[0] !== "-") return null;
  return (text[0] === "-" ? -1 : 1) * (hours * 3_600 + minutes * 60);
}

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

function daysOf(year: number, month: number): number {
  return month === 2 && isLeap(year) ? 29 : (LENGTHS[month - 1] ?? 0);
}

/** Days from 1970-01-01 to a day of the Gregorian calendar. */
function daysBefore(year: number, month: number, day: number): number {
  const full = year - 1;
  const leaps = Math.floor(full / 4) - Math.floor(full / 100) + Math.floor(full / 400);
  let days = full * 365 + leaps - 719_162;
  for (let each = 1; each < month; each += 1) days += daysOf(year, each);
  return days + day - 1;
}
