"use client";
import Link from "next/link";
import { ms } from "@/lib/format";
import { usePairs } from "@/lib/queries";
import { answerOf, questionOf } from "@/lib/pair";
import { Ago } from "../ago";
import { Loading } from "../ui/notes";
import { Panel, PanelHead } from "../ui/panel";
import { SourceBadge } from "./source";

/** The newest requests as they come in. */
export function Tail({ endpoint }: { endpoint: string }) {
  const { data, isPending } = usePairs(endpoint, {}, 12, true);
  const pairs = data?.pages[0]?.items ?? [];
  return (
    <Panel>
      <PanelHead title="Live tail" note={pairs.length === 0 ? undefined : "The newest requests, as they come in"} />
      {isPending && <Loading what="requests" />}
      {!isPending && pairs.length === 0 && <p className="px-5 pb-5 text-sm text-muted">Requests appear here as they come in.</p>}
      <ol className="divide-y divide-line border-t border-line empty:hidden" aria-label="Newest requests">
        {pairs.map((p) => (
          <li key={p.id} className="arrive relative grid grid-cols-[auto_minmax(0,1fr)] items-baseline gap-x-3 gap-y-1 px-5 py-2.5 text-sm hover:bg-sunken/50 md:grid-cols-[4.5rem_minmax(0,1fr)_minmax(0,1fr)_8.5rem]">
            <SourceBadge source={p.source} />
            <Link href={`/endpoint?name=${endpoint}&tab=pairs&pair=${p.id}`} className="truncate after:absolute after:inset-0">
              {questionOf(p)}
            </Link>
            <span className="truncate text-muted max-md:col-span-2">{answerOf(p)}</span>
            <span className="text-right text-xs text-muted max-md:col-span-2 max-md:text-left">
              {ms(p.latencyMs)} ·{" "}
              <Ago at={p.createdAt} />
            </span>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
