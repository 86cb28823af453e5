"use client";
import { useState, type FormEvent } from "react";
import Link from "next/link";
import { Paste } from "@/components/forms/paste";
import { NumberField } from "@/components/forms/number-field";
import { SwitchRow } from "@/components/forms/switch-row";
import { PageHead } from "@/components/page-head";
import { Button } from "@/components/ui/button";
import { Field, Input, Select } from "@/components/ui/field";
import { ErrorNote, Loading, Warning } from "@/components/ui/notes";
import { Panel } from "@/components/ui/panel";
import { Problem, type Key } from "@/lib/api";
import { useBases, useCreateEndpoint, useCreateKey, useStatus, useUpstreams } from "@/lib/queries";

const shape = "[a-z]([a-z0-9\\-]*[a-z0-9])?";

export default function NewPage() {
  const [made, setMade] = useState<{ endpoint: string; key: Key }>();
  return made ? <Made endpoint={made.endpoint} secret={made.key.secret ?? ""} /> : <NewForm onMade={(endpoint, key) => setMade({ endpoint, key })} />;
}

function NewForm({ onMade }: { onMade: (endpoint: string, key: Key) => void }) {
  const { data: upstreams, error } = useUpstreams();
  const { data: bases } = useBases();
  const { data: status } = useStatus();
  if (error) return <ErrorNote error={error} />;
  if (!upstreams || !bases || !status) return <Loading what="what there is to choose from" />;
  return (
    <>
      <PageHead title="New endpoint" document="New endpoint" note="A named use of your LLM. Give one to each task: a model learns one part best." />
      {upstreams.length === 0 ? (
        <Warning>No LLM is configured yet: set OPENAI_API_KEY, or name a file in UNDERSTUDY_UPSTREAMS_FILE, and start the platform again.</Warning>
      ) : (
        <Form upstreams={upstreams} bases={bases} defaultThreshold={status.defaultThreshold} onMade={onMade} />
      )}
    </>
  );
}

interface FormProps {
  upstreams: { name: string; default: boolean; prices?: Record<string, unknown> }[];
  bases: { name: string; default: boolean; licence: string }[];
  defaultThreshold: number;
  onMade: (endpoint: string, key: Key) => void;
}

function Form({ upstreams, bases, defaultThreshold, onMade }: FormProps) {
  const [name, setName] = useState("");
  const [upstream, setUpstream] = useState((upstreams.find((u) => u.default) ?? upstreams[0]!).name);
  const [model, setModel] = useState("");
  const [base, setBase] = useState((bases.find((b) => b.default) ?? bases[0])?.name ?? "");
  const [threshold, setThreshold] = useState(defaultThreshold);
  const [minTrainPairs, setMinTrainPairs] = useState(200);
  const [minEvalPairs, setMinEvalPairs] = useState(100);
  const [autoTrain, setAutoTrain] = useState(true);
  const [autoDeploy, setAutoDeploy] = useState(true);
  const create = useCreateEndpoint();
  const createKey = useCreateKey();
  const wrong: Record<string, string | undefined> = create.error instanceof Problem ? create.error.fields : {};
  const known = Object.keys(upstreams.find((u) => u.name === upstream)?.prices ?? {});

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    try {
      const endpoint = await create.mutateAsync({ name, upstream, upstreamModel: model, base, threshold, minTrainPairs, minEvalPairs, autoTrain, autoDeploy });
      onMade(endpoint.name, await createKey.mutateAsync({ name: `${endpoint.name}-app`, defaultEndpoint: endpoint.name }));
    } catch {
      // said below
    }
  };
  return (
    <form onSubmit={(e) => void submit(e)} className="grid max-w-3xl gap-5">
      <Panel className="grid gap-5 p-5 sm:grid-cols-2">
        <Field label="Name" hint="What clients send as model: lower-case letters, digits and hyphens" error={wrong.name}>
          <Input required maxLength={32} pattern={shape} autoComplete="off" placeholder="triage" value={name} onChange={(e) => setName(e.target.value)} autoFocus />
        </Field>
        <Field label="Upstream" hint="Where the LLM answers" error={wrong.upstream}>
          <Select value={upstream} onChange={(e) => setUpstream(e.target.value)}>
            {upstreams.map((u) => (
              <option key={u.name}>{u.name}</option>
            ))}
          </Select>
        </Field>
        <Field label="The LLM’s model" hint="The part’s original: the SLM learns from its answers" error={wrong.upstreamModel}>
          <Input required list="known-models" autoComplete="off" placeholder="gpt-4o-mini" value={model} onChange={(e) => setModel(e.target.value)} />
        </Field>
        <datalist id="known-models">
          {known.map((m) => (
            <option key={m} value={m} />
          ))}
        </datalist>
        <Field label="Base of the SLM" hint={bases.find((b) => b.name === base)?.licence} error={wrong.base}>
          <Select value={base} onChange={(e) => setBase(e.target.value)}>
            {bases.map((b) => (
              <option key={b.name}>{b.name}</option>
            ))}
          </Select>
        </Field>
      </Panel>
      <Panel className="grid gap-5 p-5 sm:grid-cols-2">
        <SwitchRow name="Train by itself" hint="When enough pairs are there" checked={autoTrain} onChange={setAutoTrain} />
        <SwitchRow name="Deploy by itself" hint="As soon as a version has passed" checked={autoDeploy} onChange={setAutoDeploy} />
        <NumberField label="Pairs that start a training" min={1} step={1} value={minTrainPairs} onChange={setMinTrainPairs} error={wrong.minTrainPairs} />
        <NumberField label="Requests in the exam, at least" min={1} step={1} value={minEvalPairs} onChange={setMinEvalPairs} error={wrong.minEvalPairs} />
        <NumberField label="Threshold" hint="Its lower bound must reach this: 0 to 1" min={0} max={1} value={threshold} onChange={setThreshold} error={wrong.threshold} />
      </Panel>
      {(create.error ?? createKey.error) && <ErrorNote error={create.error ?? createKey.error} />}
      <div>
        <Button type="submit" look="primary" pending={create.isPending || createKey.isPending}>
          Create endpoint
        </Button>
      </div>
    </form>
  );
}

function Made({ endpoint, secret }: { endpoint: string; secret: string }) {
  return (
    <>
      <PageHead title={`${endpoint} is ready`} document="New endpoint" note="Paste this into your application. Nothing else changes: it keeps its OpenAI client, and the LLM goes on answering." />
      <Panel className="grid max-w-3xl gap-4 p-5">
        <p className="text-sm">
          The key in it is fresh and <strong>shown only now</strong>. Requests made with it go to {endpoint}, whatever model they name.
        </p>
        <Paste endpoint={endpoint} secret={secret} />
      </Panel>
      <div className="flex gap-2">
        <Button look="primary" asChild>
          <Link href={`/endpoint?name=${endpoint}`}>Watch requests come in</Link>
        </Button>
      </div>
    </>
  );
}
