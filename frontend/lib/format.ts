const en = (digits: number) => new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
export const none = "–";

/** count writes whole numbers, with separators: 12,345. */
export const count = (n: number | undefined) => (n === undefined ? none : en(0).format(n));

/** counted writes a number with what it counts: 1 request, 12,345 requests. */
export const counted = (n: number | undefined, one: string, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

/** brief writes large numbers short: 12.3K. */
export const brief = (n: number) => (n < 10_000 ? count(n) : compact.format(n));

/** percent writes a share of 0 to 1; small ones get a decimal. */
export function percent(x: number | undefined, digits?: number): string {
  if (x === undefined || !Number.isFinite(x)) return none;
  const value = 100 * x;
  return `${en(digits ?? (value > 0 && value < 10 ? 1 : 0)).format(value)} %`;
}

/** score writes a similarity or a bound, always with three decimals. */
export const score = (x: number | undefined) => (x === undefined || !Number.isFinite(x) ? none : x.toFixed(3));

/** usd writes money with as many decimals as it takes to say something; a loss has a minus. */
export function usd(x: number | undefined): string {
  if (x === undefined || !Number.isFinite(x)) return none;
  const size = Math.abs(x);
  const digits = size === 0 || size >= 1 ? 2 : size >= 0.01 ? 3 : size >= 0.0001 ? 5 : 7;
  return `${x < 0 ? "−" : ""}$${en(digits).format(size)}`;
}

/** ms writes a time span given in milliseconds. */
export function ms(x: number | undefined): string {
  if (x === undefined || !Number.isFinite(x) || x <= 0) return none;
  if (x < 10) return `${x.toFixed(1)} ms`;
  if (x < 1000) return `${Math.round(x)} ms`;
  return span(x / 1000);
}

/** span writes a time span given in seconds. */
export function span(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds)) return none;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.round((seconds % 86_400) / 3600)} h`;
}

/** bytes writes a size. */
export function bytes(n: number): string {
  if (n < 1000) return `${n} B`;
  if (n < 1e6) return `${(n / 1e3).toFixed(1)} kB`;
  return `${(n / 1e6).toFixed(1)} MB`;
}

/** rate writes requests a second; rare ones by the minute. */
export function rate(perSecond: number | undefined): string {
  if (perSecond === undefined || !Number.isFinite(perSecond)) return none;
  if (perSecond === 0) return "0 req/s";
  if (perSecond < 0.1) return `${(60 * perSecond).toFixed(1)} req/min`;
  return `${perSecond.toFixed(perSecond < 10 ? 1 : 0)} req/s`;
}

/** ago says how long before now a time was. */
export function ago(at: string | undefined, now: number): string {
  if (!at) return none;
  const seconds = Math.max(0, (now - Date.parse(at)) / 1000);
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** clock and moment write when something was, in the reader's time zone. */
export const clock = (at: string) => new Date(at).toLocaleTimeString("en-GB");
export const moment = (at: string) => new Date(at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
