"use client";
import type { Model } from "@/lib/api";
import { count, span, usd } from "@/lib/format";
import { LossChart } from "../charts/curve";
import { Progress } from "../ui/progress";
import { Panel, PanelHead } from "../ui/panel";

/** How the training goes, or went. */
export function TrainingPanel({ model }: { model: Model }) {
  const t = model.training;
  const running = model.phase === "training";
  const curve = t.lossCurve ?? [];
  const facts = [
    t.tokensPerSecond > 0 && `${count(Math.round(t.tokensPerSecond))} tokens/s`,
    t.gpu || t.provider,
    t.startedAt && t.endedAt && `took ${span((Date.parse(t.endedAt) - Date.parse(t.startedAt)) / 1000)}`,
    t.costUSD > 0 && usd(t.costUSD),
    t.stoppedEarly && "stopped early, with what it had learnt",
  ].filter(Boolean);
  if (!running && curve.length === 0) return null;
  return (
    <Panel>
      <PanelHead title={running ? "Training" : "How it learnt"} note={facts.join(" · ")} />
      <div className="grid gap-4 px-5 pb-5">
        {running && (
          <div className="grid gap-1.5">
            <Progress label="Training" value={t.steps > 0 && t.step > 0 ? t.step / t.steps : undefined} />
            <p className="text-sm text-muted" data-training-step={t.step}>
              {t.step > 0 ? `Step ${count(t.step)} of ${count(t.steps)}${t.etaSeconds > 0 ? `, about ${span(t.etaSeconds)} left` : ""}` : `Getting ready${t.stage ? `: ${t.stage}` : ""} …`}
            </p>
          </div>
        )}
        {curve.length > 0 && <LossChart train={curve} held={t.evalLossCurve ?? []} steps={t.steps} />}
      </div>
    </Panel>
  );
}
