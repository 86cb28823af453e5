"use client";
import Link from "next/link";
import type { Model } from "@/lib/api";
import { progressOf } from "@/lib/live";
import { phaseName } from "@/lib/phases";
import { useStatus } from "@/lib/queries";
import { ModelWords } from "./endpoint/next-step";
import { Panel, PanelHead } from "./ui/panel";
import { Progress } from "./ui/progress";

/** What is being worked on now, a line a model; its progress is in no diary. */
export function UnderWay({ endpoint }: { endpoint?: string }) {
  const { data: status } = useStatus();
  const models = (status?.endpoints ?? []).filter((e) => !endpoint || e.name === endpoint).flatMap((e) => e.live ?? []);
  if (models.length === 0) return null;
  return (
    <Panel>
      <PanelHead title="Under way" />
      <ul aria-label="Under way" className="divide-y divide-line px-5 pb-2">
        {models.map((m) => (
          <Line key={m.id} model={m} />
        ))}
      </ul>
    </Panel>
  );
}

function Line({ model: m }: { model: Model }) {
  return (
    <li className="grid gap-2 py-3 sm:grid-cols-[14rem_minmax(0,1fr)] sm:items-center">
      <Link href={`/model?id=${m.id}`} className="text-sm font-medium hover:underline">
        {m.name}: {phaseName(m.phase)}
      </Link>
      {m.phase === "llm_evaluation" ? (
        <ModelWords model={m} />
      ) : (
        <div className="grid gap-2">
          <Progress label={`${m.name}: ${phaseName(m.phase)}`} value={progressOf(m)} />
          <ModelWords model={m} />
        </div>
      )}
    </li>
  );
}
