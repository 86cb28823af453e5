"use client";
import { useEffect, useRef } from "react";
import { useVirtualizer } from "@tanstack/react-virtual";
import type { Pair } from "@/lib/api";
import { cx } from "@/lib/cx";
import { ms } from "@/lib/format";
import { answerOf, questionOf } from "@/lib/pair";
import { Ago } from "../ago";
import { SourceBadge } from "./source";

const rowHeight = 68;

/** As many pairs as there are; only those in sight are in the document. */
export function PairList({ pairs, selected, onSelect, more }: { pairs: Pair[]; selected?: string; onSelect: (id: string) => void; more?: () => void }) {
  "use no memo"; // the virtualiser changes under the compiler's feet
  const frame = useRef<HTMLDivElement>(null);
  // eslint-disable-next-line react-hooks/incompatible-library -- see above
  const rows = useVirtualizer({ count: pairs.length, getScrollElement: () => frame.current, estimateSize: () => rowHeight, overscan: 8 });
  const visible = rows.getVirtualItems();
  const last = visible.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && last >= pairs.length - 30) more();
  }, [last, pairs.length, more]);
  return (
    <div ref={frame} tabIndex={0} role="group" aria-label="Pairs" data-pairs={pairs.length} className="h-[min(44rem,calc(100dvh-15rem))] min-h-80 overflow-y-auto -outline-offset-2">
      <ol className="relative" style={{ height: rows.getTotalSize() }}>
        {visible.map((row) => {
          const p = pairs[row.index]!;
          return (
            <li key={p.id} aria-setsize={more ? -1 : pairs.length} aria-posinset={row.index + 1} className="absolute inset-x-0 border-b border-line" style={{ height: row.size, transform: `translateY(${row.start}px)` }}>
              <button
                type="button"
                onClick={() => onSelect(p.id)}
                aria-current={p.id === selected || undefined}
                className={cx("grid size-full grid-cols-[3.25rem_minmax(0,1fr)_auto] content-center items-baseline gap-x-3 px-4 text-left text-sm -outline-offset-2 hover:bg-sunken/60", p.id === selected && "bg-accent-soft/60")}
              >
                <SourceBadge source={p.source} />
                <span className="truncate font-medium">{questionOf(p).slice(0, 300)}</span>
                <span className="text-xs text-muted">
                  <Ago at={p.createdAt} />
                </span>
                <span />
                <span className="truncate text-muted">{answerOf(p).slice(0, 300)}</span>
                <span className="text-right text-xs text-muted">{p.reason === "normal" ? ms(p.latencyMs) : p.reason}</span>
              </button>
            </li>
          );
        })}
      </ol>
    </div>
  );
}
