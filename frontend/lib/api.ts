import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

type Schemas = components["schemas"];
export type Endpoint = Schemas["Endpoint"];
export type EndpointInput = Schemas["EndpointInput"];
export type Hyperparameters = Schemas["Hyperparameters"];
export type EndpointStatus = Schemas["EndpointStatus"];
export type Status = Schemas["Status"];
export type Pair = Schemas["Pair"];
export type Model = Schemas["Model"];
export type Evaluation = Schemas["Evaluation"];
export type EvalAnswer = Schemas["EvalAnswer"];
export type Key = Schemas["Key"];
export type Upstream = Schemas["Upstream"];
export type Event = Schemas["Event"];
export type Traffic = Schemas["Traffic"];
export type TrafficPoint = Schemas["TrafficPoint"];
export type Comparison = Schemas["Comparison"];
export type Side = Schemas["Side"];
export type Savings = Schemas["Savings"];
export type EndpointLedger = Schemas["EndpointLedger"];
export type LedgerLine = Schemas["LedgerDay"];
export type Base = Schemas["Base"];

export const api = createClient<paths>({ baseUrl: "" });

/** Problem is an answer that is none, in a sentence that says what to do. Status 0: nobody answered. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    detail: string,
    /** What is wrong with which field of what was sent, where it is about fields. */
    readonly fields: Record<string, string> = {},
  ) {
    super(detail);
  }
}

const serverSilent = "The dashboard's server does not answer. Is the platform running? `understudy up` starts it; this page goes on by itself.";

interface Outcome<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** ask returns the answer of a call, or throws the Problem. */
export async function ask<T>(call: Promise<Outcome<T>>): Promise<T> {
  let out: Outcome<T>;
  try {
    out = await call;
  } catch (err) {
    if (err instanceof DOMException && err.name === "AbortError") throw err;
    throw new Problem(0, serverSilent);
  }
  if (!out.response.ok) throw new Problem(out.response.status, sentence(out.error) ?? `The backend answered ${out.response.status} ${out.response.statusText}.`, fieldsOf(out.error));
  return out.data as T;
}

interface Refusal {
  detail?: string;
  errors?: { message?: string; location?: string }[] | null;
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** fieldsOf finds the fields that a refusal names, and what it says of each: "maxCostUSD -1: use 0 or more". */
export function fieldsOf(error: unknown): Record<string, string> {
  if (typeof error !== "object" || error === null) return {};
  const { detail = "", errors } = error as Refusal;
  const found: Record<string, string> = {};
  for (const { location, message } of errors ?? []) if (location && message) found[location.replace(/^body\./, "")] = capital(message);
  const colon = detail.indexOf(": ");
  for (const part of colon < 0 ? [] : detail.slice(0, colon).split(", ")) {
    const [, name, more] = part.match(/^([a-z][A-Za-z]*(?:\.[A-Za-z]+)?)(?: \S+)?( .*)?$/) ?? [];
    if (name) found[name] = more ? capital(detail) : capital(detail.slice(colon + 2)); // a name and a value alone: the field shows both
  }
  return found;
}

function sentence(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const { detail, errors } = error as Refusal;
  const more = (errors ?? []).map((e) => [e.location?.replace(/^body\./, ""), e.message].filter(Boolean).join(": ")).filter((text) => text && text !== detail);
  const text = [detail, ...more].filter(Boolean).join("; ");
  return text ? capital(text) : undefined;
}

/** signIn hands the admin key to the dashboard's server, which keeps it in a cookie. */
export const signIn = (key: string) => server<void>("POST", "/session", JSON.stringify({ key }));
export const signOut = () => server<void>("DELETE", "/session");

/** session tells whether somebody is signed in. */
export const session = () => server<{ signedIn: boolean }>("GET", "/api/session");

/** server asks the dashboard's own server. */
export const server = <T>(method: string, path: string, body?: string): Promise<T> =>
  ask(
    fetch(path, { method, body, headers: body ? { "Content-Type": "application/json" } : undefined }).then(async (response) => {
      const said: unknown = await response.json().catch(() => undefined);
      return { response, error: response.ok ? undefined : said, data: said as T };
    }),
  );
