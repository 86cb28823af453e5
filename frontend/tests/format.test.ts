import { expect, it } from "vitest";
import { ago, bytes, count, counted, ms, percent, rate, span, usd } from "../lib/format";

it.each([
  [count(12345), "12,345"],
  [counted(1, "request"), "1 request"],
  [counted(0, "request"), "0 requests"],
  [counted(1200, "reply", "replies"), "1,200 replies"],
  [percent(0.953), "95 %"],
  [percent(0.034), "3.4 %"],
  [percent(undefined), "–"],
  [usd(12.3), "$12.30"],
  [usd(-0.012), "−$0.012"],
  [usd(0.00042), "$0.00042"],
  [ms(8.24), "8.2 ms"],
  [ms(842.4), "842 ms"],
  [ms(1840), "1.8 s"],
  [ms(0), "–"],
  [span(95), "1 min 35 s"],
  [bytes(1_234_567), "1.2 MB"],
  [rate(0.05), "3.0 req/min"],
  [rate(12.4), "12 req/s"],
  [ago("2026-01-01T00:00:00Z", Date.parse("2026-01-01T00:02:05Z")), "2 min ago"],
])("writes %s", (got, want) => expect(got).toBe(want));
