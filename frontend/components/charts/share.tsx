import { percent } from "@/lib/format";

/** A bar: the part that the SLM serves, the rest the LLM's. */
export function ShareBar({ share, label }: { share: number; label: string }) {
  return (
    <div role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(100 * share)} aria-valuetext={percent(share)} className="flex h-1.5 gap-0.5 overflow-hidden rounded-full">
      {share > 0 && <span className="rounded-full bg-accent transition-[width] duration-700" style={{ width: `${100 * share}%` }} />}
      {share < 1 && <span className="grow rounded-full bg-llm opacity-60" />}
    </div>
  );
}

/** Counts side by side as parts of one bar. */
export function PartsBar({ parts }: { parts: { name: string; count: number; className: string }[] }) {
  return (
    <div aria-hidden className="flex h-2.5 gap-0.5 overflow-hidden rounded-full">
      {parts.filter((p) => p.count > 0).map((p) => (
        <span key={p.name} className={`min-w-1 rounded-full ${p.className}`} style={{ flexGrow: p.count }} />
      ))}
    </div>
  );
}
