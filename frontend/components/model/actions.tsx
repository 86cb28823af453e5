"use client";
import type { Model } from "@/lib/api";
import { actions, type Action } from "@/lib/phases";
import { useAct } from "@/lib/queries";
import { Confirm } from "../ui/confirm";

const words: Record<Action, { name: string; title: (m: Model) => string; does: string; danger?: boolean }> = {
  deploy: { name: "Deploy", title: (m) => `Put ${m.name} on stage?`, does: "It is released and answers this endpoint’s requests as soon as it is ready. What it cannot serve, and a sample, goes on to the LLM." },
  undeploy: { name: "Undeploy", title: (m) => `Take ${m.name} off the stage?`, does: "The LLM answers everything again. The model stays available, and no version goes on stage by itself until you deploy one.", danger: true },
  evaluate: { name: "Evaluate again", title: (m) => `Examine ${m.name} again?`, does: "It sits the exam once more. Each further verdict on one model is stricter, so that trying often does not help by chance." },
  retry: { name: "Retry", title: (m) => `Try ${m.name} again?`, does: "It goes on with the phase that failed. A model that has been trained is not trained again." },
  retire: { name: "Retire", title: (m) => `Retire ${m.name}?`, does: "Its weights are removed for good. The record of how it was trained and examined stays.", danger: true },
};

/** What can be asked of a model now. */
export function Actions({ model }: { model: Model }) {
  return (
    <div className="flex flex-wrap gap-2">
      {actions(model.phase).map((action) => (
        <Act key={action} model={model} action={action} />
      ))}
    </div>
  );
}

function Act({ model, action }: { model: Model; action: Action }) {
  const act = useAct(model.id);
  const { name, title, does, danger } = words[action];
  const force = action === "deploy" && model.verdict !== "passed";
  const label = force ? "Deploy anyway" : name;
  return (
    <Confirm
      title={title(model)}
      action={label}
      danger={danger || force}
      trigger={{ size: "small", look: action === "deploy" && !force ? "primary" : "plain", children: label, "aria-label": `${label}: ${model.name}` }}
      onConfirm={() => act.mutateAsync({ action, force })}
    >
      {force && <p className="text-warn">The gate did not pass it{model.reason ? `: ${model.reason}` : "."} You can still put it on stage; that is recorded.</p>}
      <p>{does}</p>
    </Confirm>
  );
}
