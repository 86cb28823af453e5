"use client";
import { useState } from "react";
import type { EvalAnswer } from "@/lib/api";
import { percent } from "@/lib/format";
import { useAnswers } from "@/lib/queries";
import { SideBySide } from "../diff";
import { SourceBadge } from "../endpoint/source";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Select } from "../ui/field";
import { ErrorNote, Loading } from "../ui/notes";

/** What the exam's answers were, beside what was expected. */
export function Answers({ model, attempt }: { model: string; attempt: number }) {
  const [order, setOrder] = useState<"worst" | "best">("worst");
  const { data, error, isPending, hasNextPage, fetchNextPage, isFetchingNextPage } = useAnswers(model, attempt, order);
  const answers = data?.pages.flatMap((p) => p.items) ?? [];
  return (
    <div className="grid gap-3">
      <div className="flex items-center gap-3">
        <h3 className="grow text-sm font-semibold">Look for yourself</h3>
        <Select aria-label="Order" fit value={order} onChange={(e) => setOrder(e.target.value as "worst" | "best")}>
          <option value="worst">Worst first</option>
          <option value="best">Best first</option>
        </Select>
      </div>
      {error && <ErrorNote error={error} />}
      {isPending && <Loading what="answers" />}
      <ol className="grid gap-4" aria-label="Answers of the exam">
        {answers.map((a) => (
          <li key={`${a.pairId}${a.variant}`} className="grid gap-2">
            <div className="flex items-baseline gap-3">
              <Likeness answer={a} />
              <p className="line-clamp-3 min-w-0 text-sm">{a.prompt}</p>
            </div>
            <SideBySide left={{ head: <SourceBadge source="llm" />, text: a.expected }} right={{ head: <SourceBadge source="slm" />, text: a.error || a.actual }} />
          </li>
        ))}
      </ol>
      {hasNextPage && (
        <div>
          <Button onClick={() => void fetchNextPage()} pending={isFetchingNextPage}>
            Show more
          </Button>
        </div>
      )}
    </div>
  );
}

function Likeness({ answer: a }: { answer: EvalAnswer }) {
  if (a.error) return <Badge tone="bad">no answer</Badge>;
  if (a.exact) return <Badge tone="accent">identical</Badge>;
  return <Badge tone={(a.similarity ?? 0) >= 0.85 ? "accent" : "warn"}>{a.similarity === undefined ? "not scored" : `${percent(a.similarity)} similar`}</Badge>;
}
