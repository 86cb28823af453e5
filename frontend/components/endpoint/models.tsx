"use client";
import Link from "next/link";
import type { Endpoint, Model } from "@/lib/api";
import { count, counted, span } from "@/lib/format";
import { progressOf } from "@/lib/live";
import { useEvaluations, useModel, useModels, useTrain } from "@/lib/queries";
import { Ago } from "../ago";
import { Actions } from "../model/actions";
import { Learnt, TrainingPanel } from "../model/training";
import { EvaluationPanel } from "../evaluation/panel";
import { PhaseBadge, PhaseTrack } from "../phase";
import { Button } from "../ui/button";
import { Empty, ErrorNote, Loading } from "../ui/notes";
import { Panel, PanelHead } from "../ui/panel";

/** The versions as a timeline, the newest first; below, how the newest learnt and what the exam said. */
export function EndpointModels({ endpoint }: { endpoint: Endpoint }) {
  const { data: models, error } = useModels(endpoint.name);
  const train = useTrain(endpoint.name);
  if (error) return <ErrorNote error={error} />;
  if (!models) return <Loading what="models" />;
  if (models.length === 0)
    return (
      <Panel>
        <Empty
          title="No model yet"
          action={
            <Button look="primary" onClick={() => train.mutate(undefined)} pending={train.isPending}>
              Train now
            </Button>
          }
        >
          <p>
            {endpoint.autoTrain
              ? `The first training starts by itself with ${counted(endpoint.minTrainPairs, "pair")} to learn from and ${count(endpoint.minEvalPairs)} for the exam; there are ${count(endpoint.counters.train)} and ${count(endpoint.counters.eval)}.`
              : "Automatic training is off for this endpoint."}
          </p>
          {train.error && <ErrorNote error={train.error} />}
        </Empty>
      </Panel>
    );
  const newest = models[0]!;
  return (
    <div className="grid gap-5">
      <Panel>
        <PanelHead title="Versions" />
        <ol aria-label="Versions" className="grid px-5 pb-3">
          {models.map((m, i) => (
            <Version key={m.id} model={m} last={i === models.length - 1} />
          ))}
        </ol>
      </Panel>
      <Newest id={newest.id} />
    </div>
  );
}

function Version({ model: m, last }: { model: Model; last: boolean }) {
  return (
    <li data-model={m.name} className="grid grid-cols-[1.25rem_minmax(0,1fr)] gap-x-3">
      <div aria-hidden className="flex flex-col items-center">
        <span className={`mt-4 size-3 shrink-0 rounded-full border-2 ${m.phase === "deployed" ? "border-accent bg-accent" : "border-strong-line bg-panel"}`} />
        {!last && <span className="w-px grow bg-line" />}
      </div>
      <div className="grid gap-2 border-b border-line py-3 [li:last-child>&]:border-0">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
          <Link href={`/model?id=${m.id}`} className="font-semibold hover:underline">
            Version {m.version}
          </Link>
          <PhaseBadge phase={m.phase} verdict={m.verdict} asleep={m.asleep} />
          <span className="grow text-xs text-muted">
            since <Ago at={m.phaseSince} />
            {m.trainPairs > 0 && ` · ${counted(m.trainPairs, "pair")} to learn from`}
            {m.attempt > 1 && ` · attempt ${m.attempt}`}
          </span>
          <Actions model={m} />
        </div>
        <div className="max-w-md">
          <PhaseTrack phase={m.phase} failedPhase={m.failedPhase} progress={progressOf(m)} verdict={m.verdict} />
        </div>
        {m.reason && <p className={`text-sm first-letter:uppercase ${m.phase === "failed" ? "text-bad" : "text-muted"}`}>{m.reason}</p>}
        {m.phase === "training" && m.training.step > 0 && (
          <p className="text-xs text-muted">
            Step {count(m.training.step)} of {count(m.training.steps)}
            {m.training.etaSeconds > 0 && ` · about ${span(m.training.etaSeconds)} left`}
          </p>
        )}
      </div>
    </li>
  );
}

function Newest({ id }: { id: string }) {
  const { data: model } = useModel(id);
  const { data: evaluations } = useEvaluations(id);
  if (!model) return null;
  return (
    <>
      <TrainingPanel model={model} />
      {evaluations?.[0] && <EvaluationPanel evaluation={evaluations[0]} model={model} />}
      <Learnt model={model} />
    </>
  );
}
