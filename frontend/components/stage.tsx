"use client";
import Link from "next/link";
import type { ReactNode } from "react";
import type { EndpointStatus, Status } from "@/lib/api";
import { count, counted, ms, percent, rate, span, usd } from "@/lib/format";
import { progressOf } from "@/lib/live";
import { meaning } from "@/lib/phases";
import { BypassSwitch } from "./bypass";
import { ShareBar } from "./charts/share";
import { PhaseBadge, PhaseTrack } from "./phase";
import { Panel } from "./ui/panel";

const columns = "xl:grid-cols-[minmax(11rem,1.5fr)_minmax(9rem,1.2fr)_minmax(7rem,0.9fr)_minmax(6rem,0.7fr)_minmax(7rem,0.8fr)_minmax(5rem,0.6fr)_3.5rem]";

/** Every endpoint at a glance, one a row; on narrow screens one a card. */
export function EndpointList({ status }: { status: Status }) {
  return (
    <Panel aria-label="Endpoints" className="overflow-hidden">
      <div aria-hidden className={`hidden gap-5 border-b border-line px-5 py-2.5 text-xs text-muted xl:grid ${columns}`}>
        <span>Endpoint</span>
        <span>Understudy</span>
        <span>Served by the SLM</span>
        <span>Agreement</span>
        <span>Median latency</span>
        <span>Saved, net</span>
        <span className="text-right">Bypass</span>
      </div>
      <ul className="divide-y divide-line">
        {status.endpoints.map((e) => (
          <Row key={e.name} endpoint={e} bypassed={status.bypass} />
        ))}
      </ul>
    </Panel>
  );
}

function Row({ endpoint: e, bypassed }: { endpoint: EndpointStatus; bypassed: boolean }) {
  const share = e.slmShareRecent ?? e.slmShare;
  return (
    <li data-endpoint={e.name} className={`relative grid grid-cols-2 items-center gap-x-5 gap-y-4 px-5 py-4 hover:bg-sunken/50 sm:grid-cols-4 ${columns}`}>
      <div className="col-span-2 min-w-0 xl:col-span-1">
        <Link href={`/endpoint?name=${e.name}`} className="block truncate text-base font-semibold after:absolute after:inset-0">
          {e.name}
        </Link>
        <div className="mt-0.5 text-xs text-muted">
          {counted(e.counters.llm + e.counters.slm, "answer")} · {rate(e.requestsPerSecond ?? 0)}
        </div>
      </div>
      <Understudy endpoint={e} />
      <Cell name="Served by the SLM">
        <div className="mb-1.5 flex items-baseline gap-2">
          <span className="font-semibold" data-slm-share={e.slmShare}>
            {percent(share)}
          </span>
          {e.bypass || bypassed ? <span className="text-xs text-warn">bypassed</span> : <span className="text-xs text-muted">{e.slmShareRecent === undefined ? "ever" : "last 15 min"}</span>}
        </div>
        <ShareBar share={share} label={`Share of ${e.name} served by the SLM`} />
      </Cell>
      <Cell name="Agreement" title="How alike the SLM and the LLM answer sampled requests, by the metric of the exam">
        {e.sampled > 0 ? (
          <>
            <span className="font-semibold">{percent(e.agreement)}</span>
            <div className="text-xs text-muted">of {count(e.sampled)} sampled</div>
          </>
        ) : (
          <span className="text-sm text-muted">not sampled yet</span>
        )}
      </Cell>
      <Cell name="Median latency">
        <Latency name="SLM" value={e.slmP50Ms} strong />
        <Latency name="LLM" value={e.llmP50Ms} />
      </Cell>
      <Cell name="Saved, net">
        <span className={`font-semibold ${(e.savedUSD ?? 0) < 0 ? "text-bad" : ""}`}>{usd(e.savedUSD ?? 0)}</span>
      </Cell>
      <div className="relative z-10 col-span-2 flex items-center gap-2 sm:col-span-4 xl:col-span-1 xl:justify-end">
        <BypassSwitch endpoint={e.name} compact />
        <span aria-hidden className="text-sm text-muted xl:hidden">
          Bypass
        </span>
      </div>
    </li>
  );
}

function Understudy({ endpoint: e }: { endpoint: EndpointStatus }) {
  const model = e.model;
  const progress = model && progressOf(model);
  return (
    <div className="col-span-2 grid min-w-0 gap-1.5 xl:col-span-1">
      <div className="flex flex-wrap items-center gap-2">
        <PhaseBadge phase={e.phase} verdict={model?.verdict} asleep={model?.asleep} />
        {model && <span className="text-xs text-muted">v{model.version}</span>}
      </div>
      <PhaseTrack phase={e.phase} failedPhase={model?.failedPhase} progress={progress} verdict={model?.verdict} />
      <p className="truncate text-xs text-muted">
        {model && progress !== undefined
          ? `Step ${count(model.training.step)} of ${count(model.training.steps)}${model.training.etaSeconds > 0 ? ` · about ${span(model.training.etaSeconds)} left` : ""}`
          : model
            ? meaning(e.phase, model.verdict)
            : `${count(e.counters.train)} to learn from, ${count(e.counters.eval)} for the exam`}
      </p>
    </div>
  );
}

function Cell({ name, title, children }: { name: string; title?: string; children: ReactNode }) {
  return (
    <div className="min-w-0" title={title}>
      <div className="mb-1 text-xs text-muted xl:sr-only">{name}</div>
      {children}
    </div>
  );
}

function Latency({ name, value, strong }: { name: string; value?: number; strong?: boolean }) {
  return (
    <div className={`flex gap-2 text-sm ${strong ? "" : "text-muted"}`}>
      <span className="w-8 text-xs leading-5 text-muted">{name}</span>
      <span className={strong ? "font-semibold" : ""}>{ms(value)}</span>
    </div>
  );
}
