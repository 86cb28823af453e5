"use client";
import { useDeferredValue, useState } from "react";
import { useRouter, useSearchParams } from "next/navigation";
import { useQueryClient } from "@tanstack/react-query";
import { Download, RefreshCw, Search } from "lucide-react";
import type { Endpoint } from "@/lib/api";
import { cx } from "@/lib/cx";
import { count, counted } from "@/lib/format";
import { usePairs, type PairFilter } from "@/lib/queries";
import { Button } from "../ui/button";
import { Input, Select } from "../ui/field";
import { Empty, ErrorNote, Loading } from "../ui/notes";
import { Panel } from "../ui/panel";
import { ImportButton } from "./import";
import { PairDetail } from "./pair-detail";
import { PairList } from "./pair-list";

const page = 200;

/** The captured pairs: search, filters, a list however long, and the one that is looked at. */
export function Pairs({ endpoint }: { endpoint: Endpoint }) {
  const [filter, setFilter] = useState<PairFilter>({});
  const [text, setText] = useState("");
  const search = useDeferredValue(text.trim());
  const router = useRouter();
  const queries = useQueryClient();
  const selected = useSearchParams().get("pair") ?? undefined;
  const select = (id?: string) => router.replace(`/endpoint?name=${endpoint.name}&tab=pairs${id ? `&pair=${id}` : ""}`, { scroll: false });
  const pairs = usePairs(endpoint.name, { ...filter, search: search || undefined }, page);
  const items = pairs.data?.pages.flatMap((p) => p.items ?? []) ?? [];
  const filtered = !!search || Object.values(filter).some(Boolean);

  return (
    <div className="grid gap-4">
      <div className="flex flex-wrap items-center gap-2">
        <div className="relative min-w-0 grow basis-56">
          <Search aria-hidden className="absolute top-2.5 left-3 size-4 text-muted" />
          <Input type="search" aria-label="Search requests and answers" placeholder="Search requests and answers" value={text} onChange={(e) => setText(e.target.value)} className="pl-9" />
        </div>
        <Choice name="Answered by" value={filter.source} onChange={(source) => setFilter({ ...filter, source })} options={{ llm: "LLM", slm: "SLM" }} />
        <Choice name="Reason" value={filter.reason} onChange={(reason) => setFilter({ ...filter, reason })} options={{ normal: "Normal", sample: "Sampled", fallback: "Fallback", forced: "Forced", import: "Imported", shadow: "Shadow" }} />
        <Choice name="Side" value={filter.split} onChange={(split) => setFilter({ ...filter, split })} options={{ train: "To learn from", eval: "For the exam" }} />
        <Button onClick={() => void queries.resetQueries({ queryKey: ["pairs", endpoint.name] })}>
          <RefreshCw className="size-4" aria-hidden />
          Refresh
        </Button>
        <ImportButton endpoint={endpoint.name} />
        <Button asChild>
          <a href={`/api/v1/endpoints/${endpoint.name}/pairs:export`} download={`${endpoint.name}.jsonl`}>
            <Download className="size-4" aria-hidden />
            Export
          </a>
        </Button>
      </div>
      <p role="status" className="text-sm text-muted">
        {filtered ? pairs.hasNextPage ? `${count(items.length)} or more match` : counted(items.length, "matches", "match") : `${counted(endpoint.counters.pairs, "pair")}: ${count(endpoint.counters.train)} to learn from, ${count(endpoint.counters.eval)} for the exam`}
      </p>
      {pairs.error && <ErrorNote error={pairs.error} />}
      <div className={cx("grid grid-cols-[minmax(0,1fr)] gap-4", selected && "xl:grid-cols-[minmax(0,2fr)_minmax(0,3fr)]")}>
        <Panel className={cx("overflow-hidden", selected && "max-xl:hidden")}>
          {pairs.isPending ? (
            <Loading what="pairs" />
          ) : items.length === 0 ? (
            <Nothing filtered={filtered} />
          ) : (
            <PairList pairs={items} selected={selected} onSelect={select} more={pairs.hasNextPage && !pairs.isFetchingNextPage ? () => void pairs.fetchNextPage() : undefined} />
          )}
        </Panel>
        {selected && <PairDetail key={selected} endpoint={endpoint.name} id={selected} onClose={() => select()} />}
      </div>
    </div>
  );
}

function Nothing({ filtered }: { filtered: boolean }) {
  return filtered ? (
    <Empty title="Nothing matches">
      <p>Try fewer words, or take a filter away.</p>
    </Empty>
  ) : (
    <Empty title="No pairs yet">
      <p>Each request to this endpoint is kept with its answer. Send some, or import conversations in OpenAI’s fine-tuning format:</p>
      <code className="font-mono text-xs">{'{"messages": [{"role": "user", …}, {"role": "assistant", …}]}'}</code>
    </Empty>
  );
}

function Choice<T extends string>({ name, value, onChange, options }: { name: string; value?: T; onChange: (value?: T) => void; options: Record<T, string> }) {
  return (
    <Select aria-label={name} value={value ?? ""} onChange={(e) => onChange((e.target.value || undefined) as T | undefined)} fit>
      <option value="">{name}: all</option>
      {Object.entries<string>(options).map(([key, label]) => (
        <option key={key} value={key}>
          {label}
        </option>
      ))}
    </Select>
  );
}
