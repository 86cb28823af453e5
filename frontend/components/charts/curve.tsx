"use client";
import { useState } from "react";
import { curveMonotoneX } from "@visx/curve";
import { scaleLinear } from "@visx/scale";
import { LinePath } from "@visx/shape";
import { count } from "@/lib/format";
import { Chart, Legend, Tip } from "./frame";

interface Point {
  step: number;
  value: number;
}

const [left, foot, height] = [40, 22, 200];

/** Loss by training step, with the loss on pairs that were held back where there is one. */
export function LossChart({ train, held, steps }: { train: Point[]; held: Point[]; steps: number }) {
  const [at, setAt] = useState<Point>();
  const all = [...train, ...held];
  const top = Math.max(0.1, ...all.map((p) => p.value));
  const last = train.at(-1);
  const label = last ? `Training loss: from ${train[0]!.value.toFixed(2)} down to ${last.value.toFixed(2)} at step ${last.step}` : "Training loss";
  return (
    <div className="grid gap-2">
      <Legend
        items={[
          { name: "Loss on training pairs", className: "bg-accent", value: last?.value.toFixed(3) },
          ...(held.length ? [{ name: "Loss on held-back pairs", className: "bg-ink", value: held.at(-1)!.value.toFixed(3) }] : []),
        ]}
      />
      <Chart label={label} height={height}>
        {(width) => {
          const x = scaleLinear({ domain: [0, Math.max(steps, last?.step ?? 0, 1)], range: [left, width - 4] });
          const y = scaleLinear({ domain: [0, top], range: [height - foot, 8], nice: 3 });
          const nearest = (px: number) => train.reduce<Point | undefined>((best, p) => (!best || Math.abs(x(p.step) - px) < Math.abs(x(best.step) - px) ? p : best), undefined);
          return (
            <>
              <svg width={width} height={height} aria-hidden onPointerMove={(e) => setAt(nearest(e.clientX - e.currentTarget.getBoundingClientRect().left))} onPointerLeave={() => setAt(undefined)}>
                {y.ticks(3).map((v) => (
                  <g key={v}>
                    <line x1={left} x2={width} y1={y(v)} y2={y(v)} className="stroke-line" strokeDasharray={v === 0 ? undefined : "2 4"} />
                    <text x={left - 8} y={y(v) + 4} textAnchor="end" className="fill-muted text-[11px]">
                      {v.toFixed(1)}
                    </text>
                  </g>
                ))}
                {x.ticks(Math.min(6, width / 90)).filter(Number.isInteger).map((v) => (
                  <text key={v} x={x(v)} y={height - 5} textAnchor={v === 0 ? "start" : x(v) > width - 20 ? "end" : "middle"} className="fill-muted text-[11px]">
                    {v === 0 ? "step 0" : count(v)}
                  </text>
                ))}
                <LinePath data={train} x={(p) => x(p.step)} y={(p) => y(p.value)} curve={curveMonotoneX} className="fill-none stroke-accent" strokeWidth={2} />
                <LinePath data={held} x={(p) => x(p.step)} y={(p) => y(p.value)} className="fill-none stroke-ink" strokeWidth={1.5} strokeDasharray="4 3" />
                {held.map((p) => (
                  <circle key={p.step} cx={x(p.step)} cy={y(p.value)} r={3} className="fill-ink" />
                ))}
                {last && <circle cx={x(last.step)} cy={y(last.value)} r={4} className="fill-accent" />}
                {at && <circle cx={x(at.step)} cy={y(at.value)} r={5} className="fill-none stroke-accent" strokeWidth={2} />}
              </svg>
              {at && (
                <Tip x={x(at.step)} width={width}>
                  Step {count(at.step)}: {at.value.toFixed(3)}
                </Tip>
              )}
            </>
          );
        }}
      </Chart>
    </div>
  );
}
