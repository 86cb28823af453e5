"use client";
import Link from "next/link";
import type { Endpoint, EndpointStatus, Model } from "@/lib/api";
import { count, counted, span } from "@/lib/format";
import { progressOf } from "@/lib/live";
import { busy, meaning, phaseName } from "@/lib/phases";
import { useEvaluations } from "@/lib/queries";
import { PhaseTrack } from "../phase";
import { Button } from "../ui/button";
import { Progress } from "../ui/progress";
import { Panel } from "../ui/panel";

/** Where the endpoint is on its way, and what comes next. */
export function NextStep({ endpoint, now }: { endpoint: Endpoint; now: EndpointStatus }) {
  const model = now.live ?? now.model;
  if (!model) return <Collecting endpoint={endpoint} />;
  if (model.phase === "deployed" && !now.live) return null;
  return (
    <Panel className="grid gap-3 px-5 py-4">
      <div className="flex flex-wrap items-center gap-3">
        <h2 className="grow text-sm font-semibold">
          Version {model.version}: {phaseName(model.phase)}
        </h2>
        <Button size="small" asChild>
          <Link href={`/model?id=${model.id}`}>{model.phase === "available" ? "See the evaluation" : "Details"}</Link>
        </Button>
      </div>
      <PhaseTrack phase={model.phase} failedPhase={model.failedPhase} progress={progressOf(model)} verdict={model.verdict} />
      <ModelWords model={model} />
    </Panel>
  );
}

/** How far a model is, in words. */
export function ModelWords({ model }: { model: Model }) {
  const { step, steps, etaSeconds, loss } = model.training;
  if (model.phase === "llm_evaluation") return <Exam model={model} />;
  if (model.phase === "training" && step > 0)
    return (
      <p className="text-sm text-muted">
        Step {count(step)} of {count(steps)}, loss {loss.toFixed(3)}
        {etaSeconds > 0 && `, about ${span(etaSeconds)} left`}.
      </p>
    );
  return (
    <p className="text-sm text-muted">
      {model.reason || `${meaning(model.phase, model.verdict)}${busy(model.phase) ? " …" : "."}`}
      {model.phase === "training" && model.training.stage && ` (${model.training.stage})`}
    </p>
  );
}

/** How many of the exam's requests have an answer. */
export function Exam({ model }: { model: Model }) {
  const { data } = useEvaluations(model.id);
  const exam = data?.find((e) => e.attempt === model.attempt);
  const known = exam && exam.total > 0;
  return (
    <div className="grid gap-2">
      <Progress label="Exam" value={known ? exam.answered / exam.total : undefined} />
      <p className="text-sm text-muted">{known ? `${count(exam.answered)} of ${counted(exam.total, "answer")} given, its untrained base included.` : "The exam’s requests are being laid out …"}</p>
    </div>
  );
}

/** Before the first training: how many pairs there are of those it takes. */
function Collecting({ endpoint: e }: { endpoint: Endpoint }) {
  return (
    <Panel className="grid gap-3 px-5 py-4">
      <h2 className="text-sm font-semibold">Collecting pairs</h2>
      <p className="max-w-[70ch] text-sm text-muted">
        {e.counters.pairs === 0
          ? "No request has come in yet. Point your application at this endpoint, or import conversations you already have."
          : e.autoTrain
            ? "Training starts by itself when both are full: pairs to learn from, and pairs kept back for the exam."
            : "Automatic training is off: start it with “Train now” when you have enough."}
      </p>
      <div className="grid gap-4 sm:grid-cols-2">
        <Filling name="To learn from" have={e.counters.train} need={e.minTrainPairs} />
        <Filling name="For the exam" have={e.counters.eval} need={e.minEvalPairs} />
      </div>
      <div className="flex flex-wrap gap-2">
        <Button size="small" asChild>
          <Link href={`/keys?endpoint=${e.name}`}>Make a key and see the code</Link>
        </Button>
        <Button size="small" asChild>
          <Link href={`/endpoint?name=${e.name}&tab=pairs`}>Import conversations</Link>
        </Button>
      </div>
    </Panel>
  );
}

function Filling({ name, have, need }: { name: string; have: number; need: number }) {
  return (
    <div className="grid gap-1.5">
      <div className="flex justify-between text-xs text-muted">
        <span>{name}</span>
        <span>
          <span className="font-medium text-ink">{count(have)}</span> of {counted(need, "pair")}
        </span>
      </div>
      <Progress value={have / Math.max(1, need)} label={name} />
    </div>
  );
}
