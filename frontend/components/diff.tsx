import { useMemo, type ReactNode } from "react";
import { diff, type Part } from "@/lib/diff";

/** Two answers side by side; what only one of them says is marked. */
export function SideBySide({ left, right }: { left: { head: ReactNode; text: string; foot?: ReactNode }; right: { head: ReactNode; text: string; foot?: ReactNode } }) {
  const marked = useMemo(() => diff(left.text, right.text), [left.text, right.text]);
  return (
    <div className="grid gap-px overflow-hidden rounded-lg border border-line bg-line md:grid-cols-2">
      <Side {...left} parts={marked.left} tone="llm" />
      <Side {...right} parts={marked.right} tone="slm" />
    </div>
  );
}

function Side({ head, parts, foot, tone }: { head: ReactNode; parts: Part[]; foot?: ReactNode; tone: "llm" | "slm" }) {
  return (
    <div className="flex min-w-0 flex-col gap-2 bg-panel p-4">
      <div className="flex flex-wrap items-center gap-2 text-xs text-muted">{head}</div>
      <div className="max-h-[28rem] grow overflow-y-auto text-sm leading-relaxed whitespace-pre-wrap" tabIndex={0} role="group" aria-label={tone === "llm" ? "The LLM’s answer" : "The SLM’s answer"}>
        {parts.map((p, i) =>
          p.own ? (
            <mark key={i} className={tone === "slm" ? "rounded-[3px] bg-accent-soft text-accent" : "rounded-[3px] bg-warn-soft text-warn"}>
              {p.text}
            </mark>
          ) : (
            <span key={i}>{p.text}</span>
          ),
        )}
      </div>
      {foot && <div className="text-xs text-muted">{foot}</div>}
    </div>
  );
}
