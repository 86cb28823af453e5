"use client";
import { useState } from "react";
import { scaleLinear } from "@visx/scale";
import type { Traffic } from "@/lib/api";
import { clock, count, counted, ms } from "@/lib/format";
import { Skeleton } from "../ui/notes";
import { Chart, Legend, Tip } from "./frame";

const foot = 20;
const height = 168;

const sum = (traffic: Traffic, key: "llm" | "slm" | "fallbacks") => traffic.points.reduce((total, p) => total + p[key], 0);

/** Who answered, by colour; how often, once that is known. */
export function TrafficLegend({ traffic }: { traffic?: Traffic }) {
  const fallbacks = traffic ? sum(traffic, "fallbacks") : 0;
  return (
    <Legend
      items={[
        { name: "SLM", className: "bg-accent", value: traffic && count(sum(traffic, "slm")) },
        { name: "LLM", className: "bg-llm", value: traffic && `${count(sum(traffic, "llm"))}${fallbacks > 0 ? `, ${counted(fallbacks, "of them a fallback", "of them fallbacks")}` : ""}` },
      ]}
    />
  );
}

/** Requests by time: what the SLM answered stands on the ground, the LLM's share on top of it. */
export function TrafficChart({ traffic }: { traffic?: Traffic }) {
  if (!traffic)
    return (
      <div role="status" style={{ height }}>
        <span className="sr-only">Loading the requests</span>
        <Skeleton className="h-full" />
      </div>
    );
  if (sum(traffic, "llm") + sum(traffic, "slm") === 0)
    return (
      <p className="grid place-items-center rounded-lg border border-dashed border-line px-4 text-center text-sm text-muted" style={{ height }}>
        No request came in during this time.
      </p>
    );
  return <Bars traffic={traffic} />;
}

function Bars({ traffic: { points, bucketSeconds } }: { traffic: Traffic }) {
  const [at, setAt] = useState<number>();
  const most = Math.max(1, ...points.map((p) => p.llm + p.slm));
  const total = points.reduce((sum, p) => ({ llm: sum.llm + p.llm, slm: sum.slm + p.slm }), { llm: 0, slm: 0 });
  const label = `Requests over time: ${count(total.slm)} answered by the SLM, ${count(total.llm)} by the LLM`;
  const shown = at === undefined ? undefined : points[at];
  return (
    <Chart label={label} height={height}>
      {(width) => {
        const y = scaleLinear({ domain: [0, most], range: [height - foot, 14] });
        const step = width / Math.max(1, points.length);
        const bar = Math.max(1, step - (step > 4 ? 1.5 : 0));
        return (
          <>
            <svg
              width={width}
              height={height}
              aria-hidden
              onPointerMove={(e) => setAt(Math.min(points.length - 1, Math.max(0, Math.floor((e.clientX - e.currentTarget.getBoundingClientRect().left) / step))))}
              onPointerLeave={() => setAt(undefined)}
            >
              {[most, most / 2].filter((v) => Number.isInteger(v)).map((v) => (
                <g key={v}>
                  <line x1={0} x2={width} y1={y(v)} y2={y(v)} className="stroke-line" strokeDasharray="2 4" />
                  <text x={0} y={y(v) - 4} className="fill-muted text-[11px]">
                    {count(v)}
                    {v === most && `${v === 1 ? " request" : " requests"} in ${bucketSeconds >= 60 ? `${bucketSeconds / 60} min` : `${bucketSeconds} s`}`}
                  </text>
                </g>
              ))}
              <line x1={0} x2={width} y1={y(0) + 0.5} y2={y(0) + 0.5} className="stroke-line" />
              {points.map((p, i) => {
                const slm = y(0) - y(p.slm);
                const llm = y(0) - y(p.llm);
                return (
                  <g key={p.at} opacity={at === undefined || at === i ? 1 : 0.55}>
                    {p.llm > 0 && <rect x={i * step} width={bar} y={y(0) - slm - llm} height={llm} className="fill-llm" rx={bar > 4 ? 1.5 : 0} />}
                    {p.slm > 0 && <rect x={i * step} width={bar} y={y(0) - slm} height={slm} className="fill-accent" rx={bar > 4 ? 1.5 : 0} />}
                  </g>
                );
              })}
              {points.length > 1 &&
                [0, 0.5, 1].map((part) => {
                  const p = points[Math.round(part * (points.length - 1))]!;
                  return (
                    <text key={part} x={part * width} y={height - 4} textAnchor={part === 0 ? "start" : part === 1 ? "end" : "middle"} className="fill-muted text-[11px]">
                      {clock(p.at).slice(0, 5)}
                    </text>
                  );
                })}
            </svg>
            {shown && at !== undefined && (
              <Tip x={(at + 0.5) * step} width={width}>
                <div className="font-medium">{clock(shown.at)}</div>
                <div>
                  SLM {count(shown.slm)} {shown.slmP50Ms ? `· ${ms(shown.slmP50Ms)} median` : ""}
                </div>
                <div>
                  LLM {count(shown.llm)} {shown.llmP50Ms ? `· ${ms(shown.llmP50Ms)} median` : ""}
                </div>
                {shown.fallbacks > 0 && <div className="text-warn">{count(shown.fallbacks)} fell back</div>}
                {shown.failed > 0 && <div className="text-bad">{count(shown.failed)} broke off</div>}
              </Tip>
            )}
          </>
        );
      }}
    </Chart>
  );
}
