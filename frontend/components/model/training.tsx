"use client";
import type { Model } from "@/lib/api";
import { count, counted, percent, span, usd } from "@/lib/format";
import { LossChart } from "../charts/curve";
import { Fold } from "../ui/fold";
import { Progress } from "../ui/progress";
import { Panel, PanelHead } from "../ui/panel";

/** How the training goes; nothing where none does. */
export function TrainingPanel({ model }: { model: Model }) {
  const t = model.training;
  if (model.phase !== "training") return null;
  return (
    <Panel>
      <PanelHead title="Training" note={facts(model)} />
      <div className="grid gap-4 px-5 pb-5">
        <div className="grid gap-1.5">
          <Progress label="Training" value={t.steps > 0 && t.step > 0 ? t.step / t.steps : undefined} />
          <p className="text-sm text-muted" data-training-step={t.step}>
            {t.step > 0 ? `Step ${count(t.step)} of ${count(t.steps)}${t.etaSeconds > 0 ? `, about ${span(t.etaSeconds)} left` : ""}` : `Getting ready${t.stage ? `: ${t.stage}` : ""} …`}
          </p>
        </div>
        <Curve model={model} />
      </div>
    </Panel>
  );
}

/** How the training went, once it is over. */
export function Learnt({ model }: { model: Model }) {
  if (model.phase === "training" || !model.training.lossCurve?.length) return null;
  return (
    <Fold title="How it learnt" note={facts(model)}>
      <div className="px-5 pb-5">
        <Curve model={model} />
      </div>
    </Fold>
  );
}

function Curve({ model: { training: t } }: { model: Model }) {
  return t.lossCurve?.length ? <LossChart train={t.lossCurve} held={t.evalLossCurve ?? []} steps={t.steps} /> : null;
}

/** What is to be said of a training in one line. */
function facts({ training: t }: Model): string {
  const made = t.manifest;
  return [
    made?.evalExact !== undefined ? `${percent(made.evalExact)} of ${counted(made.validationPairs, "pair")} set apart answered word for word` : t.evalExact ? `${percent(t.evalExact)} of the pairs set apart answered word for word` : "",
    (made?.tokensPerSecond || t.tokensPerSecond) > 0 && `${count(Math.round(made?.tokensPerSecond || t.tokensPerSecond))} tokens/s`,
    made?.device || t.gpu || t.provider,
    t.startedAt && t.endedAt && `took ${span((Date.parse(t.endedAt) - Date.parse(t.startedAt)) / 1000)}`,
    t.costUSD > 0 && `${usd(t.costUSD)}${t.costBasis === "bill" ? "" : " (estimate)"}`,
    made?.stopReason === "validation" ? "ended early: nothing got better any more" : t.stoppedEarly && "stopped early, with what it had learnt",
  ]
    .filter(Boolean)
    .join(" · ");
}
