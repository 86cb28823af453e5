"use client";
import { useState, type FormEvent, type ReactNode } from "react";
import { useRouter } from "next/navigation";
import type { Endpoint, EndpointInput } from "@/lib/api";
import { useBases, useDeleteEndpoint, useUpdateEndpoint, useUpstreams } from "@/lib/queries";
import { NumberField } from "../forms/number-field";
import { SwitchRow } from "../forms/switch-row";
import { Button } from "../ui/button";
import { Confirm } from "../ui/confirm";
import { Field, Input, Select } from "../ui/field";
import { ErrorNote } from "../ui/notes";
import { Panel } from "../ui/panel";

type Draft = Required<
  Pick<
    EndpointInput,
    | "upstream" | "upstreamModel" | "base" | "metric" | "threshold" | "minTrainPairs" | "minEvalPairs" | "maxTrainPairs" | "maxEvalPairs" | "slmShare" | "teacherShare"
    | "slmFirstTokenTimeoutSeconds" | "slmTotalTimeoutSeconds" | "scaleToZeroAfterSeconds" | "capture" | "autoTrain" | "autoDeploy" | "fingerprint" | "retentionDays"
  >
>;

const draftOf = (e: Endpoint): Draft => ({
  upstream: e.upstream, upstreamModel: e.upstreamModel, base: e.base, metric: e.metric, threshold: e.threshold, minTrainPairs: e.minTrainPairs, minEvalPairs: e.minEvalPairs,
  maxTrainPairs: e.maxTrainPairs, maxEvalPairs: e.maxEvalPairs, slmShare: e.slmShare, teacherShare: e.teacherShare, slmFirstTokenTimeoutSeconds: e.slmFirstTokenTimeoutSeconds,
  slmTotalTimeoutSeconds: e.slmTotalTimeoutSeconds, scaleToZeroAfterSeconds: e.scaleToZeroAfterSeconds, capture: e.capture, autoTrain: e.autoTrain, autoDeploy: e.autoDeploy,
  fingerprint: e.fingerprint, retentionDays: e.retentionDays,
});

/** What is different in the draft: only that is sent. */
function changesOf(draft: Draft, saved: Draft): EndpointInput {
  const keys = Object.keys(draft) as (keyof Draft)[];
  return Object.fromEntries(keys.filter((key) => draft[key] !== saved[key]).map((key) => [key, draft[key]]));
}

export function Settings({ endpoint }: { endpoint: Endpoint }) {
  const saved = draftOf(endpoint);
  const [edits, setEdits] = useState<EndpointInput>({});
  const draft: Draft = { ...saved, ...edits } as Draft;
  const changes = changesOf(draft, saved);
  const changed = Object.keys(changes).length > 0;
  const update = useUpdateEndpoint(endpoint.name);
  const edit = <K extends keyof Draft>(key: K) => (value: Draft[K]) => setEdits((before) => ({ ...before, [key]: value }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    update.mutate(changes, { onSuccess: () => setEdits({}) });
  };
  return (
    <div className="grid gap-5">
      <form onSubmit={submit} className="grid gap-5">
        <Panel className="divide-y divide-line">
          <Teacher draft={draft} edit={edit} />
          <Group name="Gate" about="When a model is good enough. It is judged by the lower end of what its score can be, not by the mean.">
            <NumberField label="Threshold" hint="0 to 1; the default is 0.85" min={0} max={1} value={draft.threshold} onChange={edit("threshold")} />
            <Field label="Metric" hint="Auto takes exact where most answers are labels or JSON">
              <Select value={draft.metric} onChange={(e) => edit("metric")(e.target.value)}>
                <option value="auto">Auto</option>
                <option value="similarity">Similarity</option>
                <option value="exact">Exact</option>
              </Select>
            </Field>
            <NumberField label="Requests in the exam, at least" hint="Distinct and unseen" min={1} step={1} value={draft.minEvalPairs} onChange={edit("minEvalPairs")} />
            <NumberField label="Requests in the exam, at most" min={1} step={1} value={draft.maxEvalPairs} onChange={edit("maxEvalPairs")} />
          </Group>
          <Group name="Learning" about="When a training starts, and on how much.">
            <SwitchRow name="Train by itself" hint="When enough new pairs are there" checked={draft.autoTrain} onChange={edit("autoTrain")} />
            <NumberField label="New pairs that start a training" min={1} step={1} value={draft.minTrainPairs} onChange={edit("minTrainPairs")} />
            <NumberField label="Pairs learnt from, at most" min={1} step={1} value={draft.maxTrainPairs} onChange={edit("maxTrainPairs")} />
            <Field label="What tells tasks apart" hint="A model serves only tasks that it was trained on">
              <Select value={draft.fingerprint} onChange={(e) => edit("fingerprint")(e.target.value)}>
                <option value="full">System prompt, tools and format</option>
                <option value="tools">Tools and format only</option>
              </Select>
            </Field>
          </Group>
          <Group name="On stage" about="Who answers what once a model is deployed.">
            <SwitchRow name="Deploy by itself" hint="As soon as a version has passed" checked={draft.autoDeploy} onChange={edit("autoDeploy")} />
            <NumberField label="Share for the SLM" hint="Of the requests it can serve, 0 to 1" min={0} max={1} value={draft.slmShare} onChange={edit("slmShare")} />
            <NumberField label="Share sampled for the LLM" hint="0 to 1; keeps the agreement measured and learning going" min={0} max={1} value={draft.teacherShare} onChange={edit("teacherShare")} />
            <NumberField label="First token within (seconds)" hint="Later than that, the LLM answers" min={0} value={draft.slmFirstTokenTimeoutSeconds} onChange={edit("slmFirstTokenTimeoutSeconds")} />
            <NumberField label="Whole answer within (seconds)" min={0} value={draft.slmTotalTimeoutSeconds} onChange={edit("slmTotalTimeoutSeconds")} />
            <NumberField label="Sleep after (seconds without requests)" hint="0: never" min={0} step={1} value={draft.scaleToZeroAfterSeconds} onChange={edit("scaleToZeroAfterSeconds")} />
          </Group>
          <Group name="Data" about="What is kept, and for how long.">
            <SwitchRow name="Keep pairs" hint="Without it nothing is learnt" checked={draft.capture} onChange={edit("capture")} />
            <NumberField label="Days that pairs are kept" min={1} step={1} value={draft.retentionDays} onChange={edit("retentionDays")} />
          </Group>
        </Panel>
        {update.error && <ErrorNote error={update.error} />}
        <div className="flex items-center gap-3">
          <Button type="submit" look="primary" disabled={!changed} pending={update.isPending}>
            Save
          </Button>
          {changed && <Button onClick={() => setEdits({})}>Discard</Button>}
          <span role="status" className="text-sm text-muted">
            {update.isSuccess && !changed && "Saved; it is in force."}
          </span>
        </div>
      </form>
      <Removal name={endpoint.name} />
    </div>
  );
}

function Teacher({ draft, edit }: { draft: Draft; edit: <K extends keyof Draft>(key: K) => (value: Draft[K]) => void }) {
  const { data: upstreams = [] } = useUpstreams();
  const { data: bases = [] } = useBases();
  const withOwn = <T extends { name: string }>(list: T[], own: string) => (list.some((x) => x.name === own) ? list.map((x) => x.name) : [own, ...list.map((x) => x.name)]);
  return (
    <Group name="Cast" about="Who plays the part, and who learns it.">
      <Field label="Upstream">
        <Select value={draft.upstream} onChange={(e) => edit("upstream")(e.target.value)}>
          {withOwn(upstreams, draft.upstream).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </Select>
      </Field>
      <Field label="The LLM’s model">
        <Input required value={draft.upstreamModel} onChange={(e) => edit("upstreamModel")(e.target.value)} />
      </Field>
      <Field label="Base of the SLM" hint="New versions are trained on it">
        <Select value={draft.base} onChange={(e) => edit("base")(e.target.value)}>
          {withOwn(bases, draft.base).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </Select>
      </Field>
    </Group>
  );
}

function Group({ name, about, children }: { name: string; about: string; children: ReactNode }) {
  return (
    <fieldset className="grid gap-x-8 gap-y-4 px-5 py-5 lg:grid-cols-[14rem_minmax(0,1fr)]">
      <legend className="sr-only">{name}</legend>
      <div aria-hidden>
        <div className="text-sm font-semibold">{name}</div>
        <p className="text-sm text-muted">{about}</p>
      </div>
      <div className="grid items-start gap-x-6 gap-y-4 sm:grid-cols-2">{children}</div>
    </fieldset>
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
