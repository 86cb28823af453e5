"use client";
import Link from "next/link";
import { Plus } from "lucide-react";
import { EndpointList } from "@/components/stage";
import { TrafficChart, TrafficLegend } from "@/components/charts/traffic";
import { PageHead } from "@/components/page-head";
import { Button } from "@/components/ui/button";
import { Empty } from "@/components/ui/notes";
import { Panel, PanelHead } from "@/components/ui/panel";
import type { Status } from "@/lib/api";
import { counted, percent, rate, usd } from "@/lib/format";
import { useStatus, useTraffic } from "@/lib/queries";

export default function StagePage() {
  const { data: status } = useStatus();
  if (!status) return null;
  return (
    <>
      <PageHead title="Stage" document="Stage" note={status.endpoints.length > 0 ? <Summary status={status} /> : undefined}>
        <Button look="primary" asChild>
          <Link href="/new">
            <Plus className="size-4" aria-hidden />
            New endpoint
          </Link>
        </Button>
      </PageHead>
      {status.endpoints.length === 0 ? <FirstStep /> : <Stage status={status} />}
    </>
  );
}

/** The state of things in two sentences. */
function Summary({ status }: { status: Status }) {
  const onStage = status.endpoints.filter((e) => e.phase === "deployed").length;
  const answers = status.endpoints.reduce((sum, e) => sum + e.counters.llm + e.counters.slm, 0);
  const slm = status.endpoints.reduce((sum, e) => sum + e.counters.slm, 0);
  const all = status.endpoints.length;
  return (
    <>
      {onStage} of {counted(all, "endpoint")} {onStage === 1 || all === 1 ? "has" : "have"} an understudy on stage.{" "}
      {answers > 0 ? `Small models gave ${percent(slm / answers)} of ${counted(answers, "answer")} so far.` : "No request has come in yet."}
    </>
  );
}

function FirstStep() {
  return (
    <Panel>
      <Empty
        title="The stage is empty"
        action={
          <Button look="primary" asChild>
            <Link href="/new">Create the first endpoint</Link>
          </Button>
        }
      >
        <p>An endpoint is a named use of your LLM. Create one, paste three lines into your application, and its small model starts learning from the answers.</p>
      </Empty>
    </Panel>
  );
}

function Stage({ status }: { status: Status }) {
  return (
    <>
      <Traffic status={status} />
      <EndpointList status={status} />
    </>
  );
}

function Traffic({ status }: { status: Status }) {
  const { data } = useTraffic(60);
  const perSecond = status.endpoints.reduce((sum, e) => sum + (e.requestsPerSecond ?? 0), 0);
  const saved = status.endpoints.reduce((sum, e) => sum + (e.savedUSD ?? 0), 0);
  return (
    <Panel>
      <PanelHead title="Requests, last hour">
        <TrafficLegend traffic={data} />
      </PanelHead>
      <div className="grid gap-5 px-5 pb-5 md:grid-cols-[minmax(0,1fr)_11rem]">
        <TrafficChart traffic={data} />
        <dl className="flex flex-wrap content-center gap-x-8 gap-y-4 md:grid md:border-l md:border-line md:pl-6">
          <Figure name="Now" value={rate(perSecond)} />
          <Figure name="Saved, net" value={usd(saved)} bad={saved < 0} href="/savings" />
        </dl>
      </div>
    </Panel>
  );
}

function Figure({ name, value, bad, href }: { name: string; value: string; bad?: boolean; href?: string }) {
  return (
    <div>
      <dt className="text-sm text-muted">{name}</dt>
      <dd className={`text-2xl font-semibold tracking-tight ${bad ? "text-bad" : ""}`}>
        {href ? (
          <Link href={href} className="underline decoration-line decoration-2 underline-offset-4 hover:decoration-accent">
            {value}
          </Link>
        ) : (
          value
        )}
      </dd>
    </div>
  );
}
