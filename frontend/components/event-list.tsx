"use client";
import Link from "next/link";
import type { Event } from "@/lib/api";
import { cx } from "@/lib/cx";
import { moment } from "@/lib/format";
import { useHistory } from "@/lib/queries";
import { Ago } from "./ago";
import { Button } from "./ui/button";
import { Empty, ErrorNote, Loading } from "./ui/notes";

/** The diary, the newest first. */
export function EventList({ filter = {} }: { filter?: { endpoint?: string; modelId?: string } }) {
  const { data, error, isPending, hasNextPage, fetchNextPage, isFetchingNextPage } = useHistory(filter, 50);
  const events = data?.pages.flatMap((p) => p.items) ?? [];
  if (error && !data) return <ErrorNote error={error} />;
  if (isPending) return <Loading what="events" />;
  if (events.length === 0)
    return (
      <Empty title="Nothing has happened yet">
        <p>Endpoints made, trainings, verdicts, deployments and every switch turned are written down here.</p>
      </Empty>
    );
  return (
    <>
      <ol aria-label="Events" className="px-5 pb-2">
        {events.map((e) => (
          <Line key={e.id} event={e} />
        ))}
      </ol>
      {hasNextPage && (
        <div className="px-5 pb-5">
          <Button onClick={() => void fetchNextPage()} pending={isFetchingNextPage}>
            Show older
          </Button>
        </div>
      )}
    </>
  );
}

function Line({ event: e }: { event: Event }) {
  const to = e.data?.["to"];
  const bad = to === "failed" || /fail|warn|error/.test(e.kind);
  return (
    <li className="grid grid-cols-[0.75rem_minmax(0,1fr)] gap-x-3 border-b border-line py-2.5 last:border-0 sm:grid-cols-[0.75rem_minmax(0,1fr)_auto]">
      <span aria-hidden className={cx("mt-[7px] size-2 rounded-full", bad ? "bg-bad" : to === "deployed" ? "bg-accent" : "bg-llm")} />
      <div className="min-w-0">
        <p className="text-sm">
          {e.modelId ? (
            <Link href={`/model?id=${e.modelId}`} className="hover:underline">
              {e.message}
            </Link>
          ) : e.endpoint ? (
            <Link href={`/endpoint?name=${e.endpoint}`} className="hover:underline">
              {e.message}
            </Link>
          ) : (
            e.message
          )}
        </p>
        <p className="font-mono text-xs text-muted">{e.kind}</p>
      </div>
      <span className="text-xs text-muted max-sm:col-start-2 sm:text-right" title={moment(e.at)}>
        <Ago at={e.at} />
      </span>
    </li>
  );
}
