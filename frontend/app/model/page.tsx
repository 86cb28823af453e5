"use client";
import { Suspense } from "react";
import Link from "next/link";
import { useSearchParams } from "next/navigation";
import { EarlierEvaluation, EvaluationPanel } from "@/components/evaluation/panel";
import { EventList } from "@/components/event-list";
import { Actions } from "@/components/model/actions";
import { Record } from "@/components/model/record";
import { Learnt, TrainingPanel } from "@/components/model/training";
import { PageHead } from "@/components/page-head";
import { PhaseBadge, PhaseTrack } from "@/components/phase";
import { Fold } from "@/components/ui/fold";
import { ErrorNote, Loading } from "@/components/ui/notes";
import { progressOf } from "@/lib/live";
import { meaning } from "@/lib/phases";
import { useEvaluations, useModel } from "@/lib/queries";

export default function ModelPage() {
  return (
    <Suspense>
      <FromAddress />
    </Suspense>
  );
}

/** What one decides by stands above; how it came about is in sections that open. */
function FromAddress() {
  const id = useSearchParams().get("id") ?? "";
  const { data: model, error } = useModel(id);
  const { data: evaluations = [] } = useEvaluations(id);
  const [newest, ...earlier] = evaluations;
  if (error && !model) return <ErrorNote error={error} />;
  if (!model) return <Loading what="the model" />;
  return (
    <>
      <PageHead
        document={model.name}
        above={
          <Link href={`/endpoint?name=${model.endpoint}&tab=models`} className="hover:text-ink hover:underline">
            {model.endpoint}
          </Link>
        }
        title={
          <>
            Version {model.version} <PhaseBadge phase={model.phase} verdict={model.verdict} asleep={model.asleep} />
          </>
        }
        note={model.reason && model.reason !== newest?.reason ? model.reason : `${meaning(model.phase, model.verdict)}.`}
      >
        <Actions model={model} />
      </PageHead>
      <PhaseTrack phase={model.phase} failedPhase={model.failedPhase} progress={progressOf(model)} verdict={model.verdict} />
      <TrainingPanel model={model} />
      {newest && <EvaluationPanel evaluation={newest} model={model} />}
      {earlier.map((e) => (
        <EarlierEvaluation key={e.attempt} evaluation={e} model={model} />
      ))}
      <Learnt model={model} />
      <Record model={model} />
      <Fold title="What happened" note="Every change of phase, and why.">
        <EventList filter={{ modelId: model.id }} />
      </Fold>
    </>
  );
}
