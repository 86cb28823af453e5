"use client";
import { useState, type ReactNode } from "react";
import Link from "next/link";
import type { Endpoint, EndpointStatus } from "@/lib/api";
import { count, counted, ms, percent, rate, usd } from "@/lib/format";
import { useStatus, useTraffic } from "@/lib/queries";
import { ShareBar } from "../charts/share";
import { TrafficChart, TrafficLegend } from "../charts/traffic";
import { Select } from "../ui/field";
import { Panel, PanelHead } from "../ui/panel";
import { NextStep } from "./next-step";
import { Tail } from "./tail";

export function Overview({ endpoint }: { endpoint: Endpoint }) {
  const { data: status } = useStatus();
  const now = status?.endpoints.find((e) => e.name === endpoint.name);
  return (
    <div className="grid gap-5">
      {now && <NextStep endpoint={endpoint} now={now} />}
      {now && <Figures now={now} />}
      <Traffic endpoint={endpoint.name} />
      <Tail endpoint={endpoint.name} />
    </div>
  );
}

function Figures({ now }: { now: EndpointStatus }) {
  const share = now.slmShareRecent ?? now.slmShare;
  return (
    <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-xl border border-line bg-line lg:grid-cols-5">
      <Figure name="Served by the SLM" note={`${percent(now.slmShare)} of all so far`}>
        {percent(share)}
        <ShareBar share={share} label="Share served by the SLM" />
      </Figure>
      <Figure name="Agreement" note={now.sampled > 0 ? `of ${counted(now.sampled, "sampled request")}` : "nothing sampled yet"}>
        {now.sampled > 0 ? percent(now.agreement) : "–"}
      </Figure>
      <Figure name="Median latency of the SLM" note={`LLM ${ms(now.llmP50Ms)}`}>
        {ms(now.slmP50Ms)}
      </Figure>
      <Figure name="Traffic now" note={`${count(now.counters.fallbacks)} fell back to the LLM so far`}>
        {rate(now.requestsPerSecond ?? 0)}
      </Figure>
      <Figure
        name="Saved, net, 30 days"
        note={
          <Link href="/savings" className="underline underline-offset-2">
            How it adds up
          </Link>
        }
        className="max-lg:col-span-2"
      >
        <span className={(now.savedUSD ?? 0) < 0 ? "text-bad" : undefined}>{usd(now.savedUSD ?? 0)}</span>
      </Figure>
    </dl>
  );
}

function Figure({ name, note, children, className }: { name: string; note: ReactNode; children: ReactNode; className?: string }) {
  return (
    <div className={`grid content-start gap-1 bg-panel px-5 py-4 ${className ?? ""}`}>
      <dt className="text-xs text-muted">{name}</dt>
      <dd className="grid gap-1.5 text-xl font-semibold tracking-tight">{children}</dd>
      <dd className="text-xs text-muted">{note}</dd>
    </div>
  );
}

const spans = { "15": "15 minutes", "60": "hour", "360": "6 hours", "1440": "24 hours" };

function Traffic({ endpoint }: { endpoint: string }) {
  const [minutes, setMinutes] = useState("60");
  const { data } = useTraffic(Number(minutes), endpoint);
  return (
    <Panel>
      <PanelHead title="Requests">
        <TrafficLegend traffic={data} />
        <Select aria-label="Time shown" value={minutes} onChange={(e) => setMinutes(e.target.value)} fit>
          {Object.entries(spans).map(([value, name]) => (
            <option key={value} value={value}>
              last {name}
            </option>
          ))}
        </Select>
      </PanelHead>
      <div className="px-5 pb-5">
        <TrafficChart traffic={data} />
      </div>
    </Panel>
  );
}
