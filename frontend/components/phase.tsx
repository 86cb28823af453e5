import { cx } from "@/lib/cx";
import { busy, phaseName, way } from "@/lib/phases";
import { Badge, type Tone } from "./ui/badge";

const toneOf = (phase: string, verdict?: string): Tone => {
  if (phase === "failed") return "bad";
  if (phase === "available" && verdict === "refused") return "warn";
  return ["deployed", "available", "deploying"].includes(phase) || busy(phase) ? "accent" : "plain";
};

/** A phase by its name, as the API has it. */
export function PhaseBadge({ phase, verdict, asleep }: { phase: string; verdict?: string; asleep?: boolean }) {
  return (
    <Badge tone={toneOf(phase, verdict)}>
      <PhaseDot phase={phase} verdict={verdict} />
      <span data-phase={phase}>{phase === "" ? "Collecting" : phaseName(phase)}</span>
      {asleep && <span>· asleep</span>}
    </Badge>
  );
}

export function PhaseDot({ phase, verdict }: { phase: string; verdict?: string }) {
  const tone = toneOf(phase, verdict);
  return (
    <span
      aria-hidden
      className={cx(
        "size-2 shrink-0 rounded-full",
        tone === "bad" ? "bg-bad" : tone === "warn" ? "bg-warn" : phase === "deployed" ? "bg-accent" : tone === "accent" ? "border-2 border-accent" : "border-2 border-strong-line",
        busy(phase) && "breathe",
      )}
    />
  );
}

/** The way to the stage in six steps, and how far along it a model is. */
export function PhaseTrack({ phase, failedPhase, progress, verdict }: { phase: string; failedPhase?: string; progress?: number; verdict?: string }) {
  const at = way.indexOf((phase === "failed" ? failedPhase : phase) as (typeof way)[number]);
  return (
    <ol className="flex gap-1" aria-label="The way to the stage">
      {way.map((step, i) => {
        const here = i === at;
        const failed = here && phase === "failed";
        const refused = here && verdict === "refused" && phase === "available";
        const full = i < at || (here && !busy(phase));
        return (
          <li key={step} aria-current={here ? "step" : undefined} title={phaseName(step)} className="h-1.5 min-w-3 flex-1 overflow-hidden rounded-full bg-sunken">
            <span className="sr-only">{phaseName(step)}</span>
            {(full || here) && (
              <span
                aria-hidden
                className={cx("block h-full rounded-full", failed ? "bg-bad" : refused ? "bg-warn" : "bg-accent", here && busy(phase) && progress === undefined && "breathe")}
                style={here && busy(phase) && progress !== undefined ? { width: `${Math.max(6, 100 * progress)}%` } : undefined}
              />
            )}
          </li>
        );
      })}
    </ol>
  );
}
