"use client";
import { useEffect, useRef, useState, type FormEvent } from "react";
import { useRouter } from "next/navigation";
import { Problem, type Endpoint } from "@/lib/api";
import { useBases, useDeleteEndpoint, useUpdateEndpoint, useUpstreams } from "@/lib/queries";
import { Group } from "../forms/group";
import { NumberField } from "../forms/number-field";
import { SwitchRow } from "../forms/switch-row";
import { Button } from "../ui/button";
import { Confirm } from "../ui/confirm";
import { Field, Input, Select } from "../ui/field";
import { ErrorNote } from "../ui/notes";
import { Panel } from "../ui/panel";
import { changesOf, draftOf, type Draft, type Part } from "./settings-draft";
import { HyperparameterSettings, Limits } from "./settings-training";

export function Settings({ endpoint }: { endpoint: Endpoint }) {
  const saved = draftOf(endpoint);
  const [edits, setEdits] = useState<Partial<Draft>>({});
  const [round, setRound] = useState(0); // boxes forget what was typed into them when it is discarded
  const draft: Draft = { ...saved, ...edits };
  const changes = changesOf(draft, saved);
  const changed = Object.keys(changes).length > 0;
  const update = useUpdateEndpoint(endpoint.name);
  const form = useRef<HTMLFormElement>(null);
  const fields = update.error instanceof Problem ? update.error.fields : {};
  const wrong = (field: string) => fields[field] ?? fields[field.replace(/Seconds$/, "")];
  const edit: Part["edit"] = (key) => (value) => {
    if (update.error) update.reset();
    setEdits((before) => ({ ...before, [key]: value }));
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    update.mutate(changes, { onSuccess: () => setEdits({}) });
  };
  const discard = () => {
    update.reset();
    setEdits({});
    setRound(round + 1);
  };
  const refused = update.error;
  useEffect(() => {
    if (refused) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [refused]);
  const part: Part = { draft, edit, wrong };
  return (
    <div className="grid gap-5">
      <form ref={form} onSubmit={submit} className="grid gap-5">
        <Panel key={round} className="divide-y divide-line">
          <Teacher {...part} />
          <Gate {...part} />
          <Learning {...part} />
          <OnStage {...part} />
          <Data {...part} />
          <Limits {...part} />
          <HyperparameterSettings {...part} />
        </Panel>
        {refused && <ErrorNote error={Object.keys(fields).length > 0 ? "Nothing is saved: see what is marked above." : `${refused.message} Nothing is saved.`} />}
        <div className="flex items-center gap-3">
          <Button type="submit" look="primary" disabled={!changed} pending={update.isPending}>
            Save
          </Button>
          {changed && <Button onClick={discard}>Discard</Button>}
          <span role="status" className="text-sm text-muted">
            {update.isSuccess && !changed && "Saved; it is in force."}
          </span>
        </div>
      </form>
      <Removal name={endpoint.name} />
    </div>
  );
}

function Teacher({ draft, edit, wrong }: Part) {
  const { data: upstreams = [] } = useUpstreams();
  const { data: bases = [] } = useBases();
  const withOwn = <T extends { name: string }>(list: T[], own: string) => (list.some((x) => x.name === own) ? list.map((x) => x.name) : [own, ...list.map((x) => x.name)]);
  return (
    <Group name="Cast" about="Who plays the part, and who learns it.">
      <Field label="Upstream" error={wrong("upstream")}>
        <Select value={draft.upstream} onChange={(e) => edit("upstream")(e.target.value)}>
          {withOwn(upstreams, draft.upstream).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </Select>
      </Field>
      <Field label="The LLM’s model" error={wrong("upstreamModel")}>
        <Input required value={draft.upstreamModel} onChange={(e) => edit("upstreamModel")(e.target.value)} />
      </Field>
      <Field label="Base of the SLM" hint="New versions are trained on it" error={wrong("base")}>
        <Select value={draft.base} onChange={(e) => edit("base")(e.target.value)}>
          {withOwn(bases, draft.base).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </Select>
      </Field>
    </Group>
  );
}

function Gate({ draft, edit, wrong }: Part) {
  return (
    <Group name="Gate" about="When a model is good enough. It is judged by the lower end of what its score can be, not by the mean.">
      <NumberField label="Threshold" hint="0 to 1" min={0} max={1} value={draft.threshold} onChange={edit("threshold")} error={wrong("threshold")} />
      <Field label="Metric" hint="Auto takes exact where most answers are labels or JSON" error={wrong("metric")}>
        <Select value={draft.metric} onChange={(e) => edit("metric")(e.target.value)}>
          <option value="auto">Auto</option>
          <option value="similarity">Similarity</option>
          <option value="exact">Exact</option>
        </Select>
      </Field>
      <NumberField label="Requests in the exam, at least" hint="Distinct and unseen" min={1} step={1} value={draft.minEvalPairs} onChange={edit("minEvalPairs")} error={wrong("minEvalPairs")} />
      <NumberField label="Requests in the exam, at most" min={1} step={1} value={draft.maxEvalPairs} onChange={edit("maxEvalPairs")} error={wrong("maxEvalPairs")} />
    </Group>
  );
}

function Learning({ draft, edit, wrong }: Part) {
  return (
    <Group name="Learning" about="When a training starts, and on how much.">
      <SwitchRow name="Train by itself" hint="When enough new pairs are there" checked={draft.autoTrain} onChange={edit("autoTrain")} />
      <NumberField label="New pairs that start a training" min={1} step={1} value={draft.minTrainPairs} onChange={edit("minTrainPairs")} error={wrong("minTrainPairs")} />
      <NumberField label="Pairs learnt from, at most" min={1} step={1} value={draft.maxTrainPairs} onChange={edit("maxTrainPairs")} error={wrong("maxTrainPairs")} />
      <Field label="What tells tasks apart" hint="A model serves only tasks that it was trained on" error={wrong("fingerprint")}>
        <Select value={draft.fingerprint} onChange={(e) => edit("fingerprint")(e.target.value)}>
          <option value="auto">Auto: without system prompts where most differ</option>
          <option value="full">System prompt, tools and format</option>
          <option value="tools">Tools and format only</option>
        </Select>
      </Field>
    </Group>
  );
}

function OnStage({ draft, edit, wrong }: Part) {
  return (
    <Group name="On stage" about="Who answers what once a model is deployed.">
      <SwitchRow name="Deploy by itself" hint="As soon as a version has passed" checked={draft.autoDeploy} onChange={edit("autoDeploy")} />
      <NumberField label="Share for the SLM" hint="Of the requests it can serve, 0 to 1" min={0} max={1} value={draft.slmShare} onChange={edit("slmShare")} error={wrong("slmShare")} />
      <NumberField label="Share sampled for the LLM" hint="0 to 1; keeps the agreement measured and learning going" min={0} max={1} value={draft.teacherShare} onChange={edit("teacherShare")} error={wrong("teacherShare")} />
      <NumberField label="First token within (seconds)" hint="Later than that, the LLM answers" min={0} value={draft.slmFirstTokenTimeoutSeconds} onChange={edit("slmFirstTokenTimeoutSeconds")} error={wrong("slmFirstTokenTimeoutSeconds")} />
      <NumberField label="Whole answer within (seconds)" min={0} value={draft.slmTotalTimeoutSeconds} onChange={edit("slmTotalTimeoutSeconds")} error={wrong("slmTotalTimeoutSeconds")} />
      <NumberField label="Sleep after (seconds without requests)" hint="0: never" min={0} step={1} value={draft.scaleToZeroAfterSeconds} onChange={edit("scaleToZeroAfterSeconds")} error={wrong("scaleToZeroAfterSeconds")} />
    </Group>
  );
}

function Data({ draft, edit, wrong }: Part) {
  return (
    <Group name="Data" about="What is kept, and for how long.">
      <SwitchRow name="Keep pairs" hint="Without it nothing is learnt" checked={draft.capture} onChange={edit("capture")} />
      <NumberField label="Days that pairs are kept" min={1} step={1} value={draft.retentionDays} onChange={edit("retentionDays")} error={wrong("retentionDays")} />
    </Group>
  );
}

function Removal({ name }: { name: string }) {
  const [typed, setTyped] = useState("");
  const remove = useDeleteEndpoint(name);
  const router = useRouter();
  return (
    <Panel className="flex flex-wrap items-center gap-4 px-5 py-4">
      <div className="grow">
        <div className="text-sm font-semibold">Delete this endpoint</div>
        <p className="text-sm text-muted">With its pairs and models. Requests that name it are no longer answered.</p>
      </div>
      <Confirm
        title={`Delete ${name}?`}
        action="Delete it"
        danger
        blocked={typed !== name}
        trigger={{ children: "Delete endpoint" }}
        onConfirm={async () => {
          await remove.mutateAsync(undefined);
          router.push("/");
        }}
      >
        <p>Its pairs, models and releases are removed for good.</p>
        <Field label={`Type ${name} to confirm`}>
          <Input value={typed} onChange={(e) => setTyped(e.target.value)} autoComplete="off" />
        </Field>
      </Confirm>
    </Panel>
  );
}
