"use client";
import { Suspense } from "react";
import Link from "next/link";
import { useSearchParams } from "next/navigation";
import { EvaluationPanel } from "@/components/evaluation/panel";
import { EventList } from "@/components/event-list";
import { Actions } from "@/components/model/actions";
import { Record } from "@/components/model/record";
import { TrainingPanel } from "@/components/model/training";
import { PageHead } from "@/components/page-head";
import { PhaseBadge, PhaseTrack } from "@/components/phase";
import { ErrorNote, Loading } from "@/components/ui/notes";
import { Panel, PanelHead } from "@/components/ui/panel";
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

function FromAddress() {
  const id = useSearchParams().get("id") ?? "";
  const { data: model, error } = useModel(id);
  const { data: evaluations } = useEvaluations(id);
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
        note={model.reason || `${meaning(model.phase, model.verdict)}.`}
      >
        <Actions model={model} />
      </PageHead>
      <PhaseTrack phase={model.phase} failedPhase={model.failedPhase} progress={progressOf(model)} verdict={model.verdict} />
      <TrainingPanel model={model} />
      {evaluations?.map((e) => <EvaluationPanel key={e.attempt} evaluation={e} model={model} />)}
      <Record model={model} />
      <Panel>
        <PanelHead title="What happened" />
        <EventList filter={{ modelId: model.id }} />
      </Panel>
    </>
  );
}
