"use client";
import { scaleLinear } from "@visx/scale";
import { cx } from "@/lib/cx";
import { count, score } from "@/lib/format";
import { Chart } from "./frame";

export interface Mark {
  name: string;
  value: number;
  note?: string;
}

/** The scale from 0 to 1 on which the gate decides: the bound against the threshold, and yardsticks below. */
export function Ruler({ threshold, lower, mean, passed, yardsticks }: { threshold: number; lower: number; mean: number; passed: boolean; yardsticks: Mark[] }) {
  const rows = [{ name: "This model", value: mean }, ...yardsticks];
  const label = `Score ${score(mean)}, lower bound ${score(lower)}, threshold ${score(threshold)}; ${yardsticks.map((y) => `${y.name} ${score(y.value)}`).join(", ")}`;
  const [row, head] = [34, 26];
  const height = head + rows.length * row + 4;
  return (
    <Chart label={label} height={height}>
      {(width) => {
        const names = width > 520 ? 172 : 0;
        const x = scaleLinear({ domain: [0, 1], range: [names + 6, width - 48] });
        return (
          <svg width={width} height={height} aria-hidden>
            <text x={x(threshold)} y={12} textAnchor="middle" className="fill-ink text-[11px] font-medium">
              threshold {threshold.toFixed(2)}
            </text>
            {rows.map((r, i) => {
              const y = head + i * row + 20;
              return (
                <g key={r.name}>
                  <text x={names ? 0 : x(0)} y={names ? y + 4 : y - 9} className={cx("text-[12px]", i === 0 ? "fill-ink font-medium" : "fill-muted")}>
                    {r.name}
                  </text>
                  <line x1={x(0)} x2={x(1)} y1={y} y2={y} className="stroke-line" strokeWidth={6} strokeLinecap="round" />
                  <line x1={x(0)} x2={x(r.value)} y1={y} y2={y} className={cx(i > 0 ? "stroke-llm" : passed ? "stroke-accent" : "stroke-warn")} strokeWidth={6} strokeLinecap="round" opacity={i > 0 ? 1 : 0.35} />
                  {i === 0 && <line x1={x(0)} x2={x(lower)} y1={y} y2={y} className={passed ? "stroke-accent" : "stroke-warn"} strokeWidth={6} strokeLinecap="round" />}
                  <text x={width} y={y + 4} textAnchor="end" className={cx("text-[12px]", i === 0 ? "fill-ink font-medium" : "fill-muted")}>
                    {score(r.value)}
                  </text>
                </g>
              );
            })}
            <line x1={x(threshold)} x2={x(threshold)} y1={17} y2={height} className="stroke-ink" strokeWidth={1.5} strokeDasharray="3 3" />
            <circle cx={x(lower)} cy={head + 20} r={6} className={cx("stroke-panel", passed ? "fill-accent" : "fill-warn")} strokeWidth={2} />
          </svg>
        );
      }}
    </Chart>
  );
}

export interface Bin {
  from: number;
  to: number;
  count: number;
}

/** How alike the answers are that are not identical, with the identical ones as a column of their own. */
export function Histogram({ bins, identical }: { bins: Bin[]; identical: number }) {
  const columns = [...bins.map((b) => ({ ...b, same: false })), { from: 1, to: 1, count: identical, same: true }];
  const most = Math.max(1, ...columns.map((c) => c.count));
  const height = 132;
  return (
    <Chart label={`Answers by similarity: ${identical} identical; ${bins.filter((b) => b.count).map((b) => `${b.count} from ${b.from.toFixed(2)} to ${b.to.toFixed(2)}`).join(", ") || "no others"}`} height={height}>
      {(width) => {
        const gap = 14;
        const step = (width - gap) / columns.length;
        const y = scaleLinear({ domain: [0, most], range: [height - 20, 16] });
        return (
          <svg width={width} height={height} aria-hidden>
            <line x1={0} x2={width} y1={y(0) + 0.5} y2={y(0) + 0.5} className="stroke-line" />
            {columns.map((c, i) => {
              const x = i * step + (c.same ? gap : 0);
              return (
                <g key={`${c.from}${c.same}`}>
                  {c.count > 0 && <rect x={x + 1} width={step - 2} y={Math.min(y(c.count), y(0) - 2)} height={Math.max(2, y(0) - y(c.count))} rx={2} className={c.same || c.from >= 0.85 ? "fill-accent" : c.from >= 0.5 ? "fill-llm" : "fill-warn"} />}
                  {c.count > 0 && (
                    <text x={x + step / 2} y={y(c.count) - 5} textAnchor="middle" className="fill-muted text-[11px]">
                      {count(c.count)}
                    </text>
                  )}
                </g>
              );
            })}
            {[0, 0.5, 0.85].map((v) => (
              <text key={v} x={v * 20 * step} y={height - 4} textAnchor={v === 0 ? "start" : "middle"} className="fill-muted text-[11px]">
                {v === 0 ? "0 nothing alike" : v}
              </text>
            ))}
            <text x={width} y={height - 4} textAnchor="end" className="fill-muted text-[11px]">
              identical
            </text>
          </svg>
        );
      }}
    </Chart>
  );
}
