"use client";
import type { ReactNode } from "react";
import Link from "next/link";
import type { EndpointLedger, LedgerLine, Savings } from "@/lib/api";
import { cx } from "@/lib/cx";
import { brief, count, counted, span, usd } from "@/lib/format";
import { Badge } from "./ui/badge";
import { Panel, PanelHead } from "./ui/panel";

type Sums = Omit<LedgerLine, "day"> & { low: number; high: number };

/** All endpoints together: the sum, and how it comes about. */
export function TotalsPanel({ savings: { totals, days } }: { savings: Savings }) {
  return (
    <Panel className="grid gap-6 p-5 lg:grid-cols-[minmax(0,2fr)_minmax(0,3fr)] lg:p-7">
      <div className="grid content-start gap-2">
        <h2 className="text-sm text-muted">Saved in {days} days, net</h2>
        <p className={cx("text-4xl font-semibold tracking-tight", totals.netUSD < 0 && "text-bad")} data-net={totals.netUSD}>
          {usd(totals.netUSD)}
        </p>
        <Range sums={totals} />
        <p className="text-sm text-muted">
          {count(totals.slmRequests)} of {counted(totals.requests, "request was", "requests were")} answered by a small model; {usd(totals.spentUSD)} went to LLMs.
        </p>
      </div>
      <Sum sums={totals} />
    </Panel>
  );
}

function Range({ sums }: { sums: Sums }) {
  if (!sums.estimated) return <p className="text-sm text-muted">Measured</p>;
  return (
    <p className="flex flex-wrap items-center gap-2 text-sm text-muted">
      <Badge tone="plain">estimate</Badge> {usd(sums.low) === usd(sums.high) ? `about ${usd(sums.low)}` : `between ${usd(sums.low)} and ${usd(sums.high)}`}
    </p>
  );
}

/** The sum, written out as on paper. */
function Sum({ sums }: { sums: Sums }) {
  const lines: [name: string, note: string, amount: number][] = [
    ["Not spent", `the LLM’s price for the ${counted(sums.slmRequests, "request")} that SLMs answered`, sums.notSpentUSD],
    ["Serving", `${span(sums.cpuSeconds)} of processor time, ${sums.podHours.toFixed(sums.podHours < 1 ? 2 : 1)} pod hours`, -sums.servingUSD],
    ["Training", `trainings of this time, at what they cost${sums.trainingPodHours > 0 ? `; ${sums.trainingPodHours.toFixed(1)} hours of rented machines` : ""}`, -sums.trainingUSD],
    ["Sample", `${counted(sums.sampledRequests, "request")} put to the LLM to go on learning`, -sums.sampleUSD],
  ];
  return (
    <table className="w-full self-center text-sm">
      <caption className="sr-only">How the sum comes about</caption>
      <tbody>
        {lines.map(([name, note, amount]) => (
          <tr key={name} className="border-b border-line">
            <th scope="row" className="py-2 pr-4 text-left font-medium">
              {name}
              <span className="block text-xs font-normal text-muted">{note}</span>
            </th>
            <td className="text-right align-top whitespace-nowrap py-2">{usd(amount)}</td>
          </tr>
        ))}
        <tr>
          <th scope="row" className="pt-2.5 text-left font-semibold">
            Net
          </th>
          <td className={cx("pt-2.5 text-right font-semibold whitespace-nowrap", sums.netUSD < 0 && "text-bad")}>{usd(sums.netUSD)}</td>
        </tr>
      </tbody>
    </table>
  );
}

/** One endpoint, day by day. */
export function LedgerPanel({ ledger: e }: { ledger: EndpointLedger }) {
  return (
    <Panel>
      <PanelHead
        title={
          <Link href={`/endpoint?name=${e.endpoint}`} className="hover:underline">
            {e.endpoint}
          </Link>
        }
        note={<BreakEven ledger={e} />}
      >
        <div className="text-right">
          <div className={cx("text-xl font-semibold tracking-tight", e.netUSD < 0 && "text-bad")}>{usd(e.netUSD)}</div>
          <Range sums={e} />
        </div>
      </PanelHead>
      <div className="overflow-x-auto px-5 pb-3" tabIndex={0} role="group" aria-label={`Ledger of ${e.endpoint}, day by day`}>
        <table className="w-full min-w-[46rem] text-sm">
          <thead>
            <tr className="text-xs text-muted">
              {["Day", "Requests", "by the SLM", "Sampled", "Tokens in, out", "Not spent", "Serving", "Training", "Sample", "Net"].map((name, i) => (
                <th key={name} scope="col" className={cx("border-b border-line py-2 font-medium", i === 0 ? "text-left" : "pl-4 text-right")}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {e.days.toReversed().map((d) => (
              <tr key={d.day} className="border-b border-line last:border-0">
                <th scope="row" className="py-2 text-left font-normal whitespace-nowrap">
                  {d.day}
                </th>
                <Cell>{count(d.requests)}</Cell>
                <Cell>{count(d.slmRequests)}</Cell>
                <Cell>{count(d.sampledRequests)}</Cell>
                <Cell>
                  {brief(d.tokensIn)}, {brief(d.tokensOut)}
                </Cell>
                <Cell>{usd(d.notSpentUSD)}</Cell>
                <Cell>{usd(-d.servingUSD)}</Cell>
                <Cell>{usd(-d.trainingUSD)}</Cell>
                <Cell>{usd(-d.sampleUSD)}</Cell>
                <Cell strong bad={d.netUSD < 0}>
                  {usd(d.netUSD)}
                </Cell>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {e.notes.length > 0 && (
        <ul className="grid list-disc gap-1 px-5 pb-5 pl-9 text-xs text-muted">
          {e.notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

const Cell = ({ strong, bad, children }: { strong?: boolean; bad?: boolean; children: ReactNode }) => (
  <td className={cx("py-2 pl-4 text-right whitespace-nowrap", strong && "font-semibold", bad && "text-bad")}>{children}</td>
);

function BreakEven({ ledger: e }: { ledger: EndpointLedger }) {
  if (e.breakEvenRequests !== undefined) return <>Its trainings are paid for after {counted(e.breakEvenRequests, "request")} that the SLM can serve; it served {count(e.slmRequests)}.</>;
  return e.slmRequests > 0 ? <>At these prices the SLM does not pay for its training: a request costs more to serve than it saves.</> : <>The SLM has not served a request yet.</>;
}

/** Where the prices come from. */
export function Prices({ savings: s }: { savings: Savings }) {
  return (
    <p className="max-w-[80ch] text-xs text-muted">
      Prices of LLMs: {s.prices.source}, {s.prices.date}. A processor hour counts {usd(s.slmCPUUSDPerHour)}, an hour of a pod that stands ready {usd(s.slmPodUSDPerHour)}. All of them can be set; see the documentation.
    </p>
  );
}
