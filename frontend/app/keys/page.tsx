"use client";
import { Suspense, useState, type FormEvent } from "react";
import { useSearchParams } from "next/navigation";
import { Ago } from "@/components/ago";
import { Paste } from "@/components/forms/paste";
import { PageHead } from "@/components/page-head";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/confirm";
import { CopyButton } from "@/components/ui/copy";
import { Field, Input, Select } from "@/components/ui/field";
import { Empty, ErrorNote, Loading } from "@/components/ui/notes";
import { Panel, PanelHead } from "@/components/ui/panel";
import type { Key } from "@/lib/api";
import { useCreateKey, useDeleteKey, useKeys, useStatus } from "@/lib/queries";

export default function KeysPage() {
  return (
    <>
      <PageHead title="Keys" document="Keys" note="Applications send one as their OpenAI API key. The admin key, with which you signed in, is none of these." />
      <Suspense>
        <NewKey />
      </Suspense>
      <KeyList />
    </>
  );
}

function NewKey() {
  const asked = useSearchParams().get("endpoint") ?? "";
  const { data: status } = useStatus();
  const [name, setName] = useState(asked && `${asked}-app`);
  const [endpoint, setEndpoint] = useState(asked);
  const create = useCreateKey();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ name, defaultEndpoint: endpoint || undefined }, { onSuccess: () => setName("") });
  };
  return (
    <Panel className="grid gap-5 p-5">
      <form onSubmit={submit} className="grid items-start gap-4 md:grid-cols-[minmax(0,1fr)_minmax(0,1fr)_auto]">
        <Field label="Name" hint="So that you know it again">
          <Input required value={name} onChange={(e) => setName(e.target.value)} autoComplete="off" placeholder="shop-backend" />
        </Field>
        <Field label="Endpoint" hint="Requests go there, whatever model they name">
          <Select value={endpoint} onChange={(e) => setEndpoint(e.target.value)}>
            <option value="">the one named as model</option>
            {status?.endpoints.map((e) => <option key={e.name}>{e.name}</option>)}
          </Select>
        </Field>
        <Button type="submit" look="primary" pending={create.isPending} className="md:mt-[1.55rem]">
          Make key
        </Button>
      </form>
      {create.error && <ErrorNote error={create.error} />}
      {create.data?.secret && <Fresh made={create.data} />}
    </Panel>
  );
}

function Fresh({ made }: { made: Key }) {
  return (
    <div role="status" className="grid gap-3 rounded-lg bg-accent-soft p-4 text-sm">
      <p>
        <strong>{made.name}</strong> is made. This is the only time it is shown:
      </p>
      <div className="flex flex-wrap items-center gap-3">
        <code className="font-mono break-all" data-secret>
          {made.secret}
        </code>
        <CopyButton text={made.secret ?? ""} what="the key" />
      </div>
      <Paste endpoint={made.defaultEndpoint ?? "ENDPOINT"} secret={made.secret ?? ""} />
    </div>
  );
}

function KeyList() {
  const { data: keys, error } = useKeys();
  if (error && !keys) return <ErrorNote error={error} />;
  if (!keys) return <Loading what="keys" />;
  return (
    <Panel>
      <PanelHead title="Keys in use" />
      {keys.length === 0 && (
        <Empty title="No keys yet">
          <p>Make one above, and give it to your application.</p>
        </Empty>
      )}
      <ul className="px-5 pb-2" aria-label="Keys in use">
        {keys.map((k) => (
          <li key={k.id} className="flex flex-wrap items-center gap-x-6 gap-y-1 border-b border-line py-3 last:border-0">
            <div className="min-w-0 grow basis-48">
              <div className="truncate font-medium">{k.name || "unnamed"}</div>
              <code className="font-mono text-xs text-muted">{k.prefix}…</code>
            </div>
            <div className="text-sm text-muted">{k.defaultEndpoint ? `to ${k.defaultEndpoint}` : "to the endpoint named"}</div>
            <div className="text-sm text-muted">
              made <Ago at={k.createdAt} />
            </div>
            <Remove made={k} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Remove({ made }: { made: Key }) {
  const remove = useDeleteKey();
  return (
    <Confirm title={`Delete ${made.name || made.prefix}?`} action="Delete it" danger trigger={{ size: "small", children: "Delete", "aria-label": `Delete the key ${made.name || made.prefix}` }} onConfirm={() => remove.mutateAsync(made.id)}>
      <p>Applications that use it get 401 from now on.</p>
    </Confirm>
  );
}
