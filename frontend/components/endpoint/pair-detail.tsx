"use client";
import type { ReactNode } from "react";
import { ArrowLeft, X } from "lucide-react";
import type { Pair } from "@/lib/api";
import { count, counted, moment, ms, usd } from "@/lib/format";
import { answerOf, messagesOf, pretty } from "@/lib/pair";
import { useDeletePair, useOther, usePair } from "@/lib/queries";
import { SideBySide } from "../diff";
import { Button } from "../ui/button";
import { Confirm } from "../ui/confirm";
import { ErrorNote, Loading } from "../ui/notes";
import { Panel } from "../ui/panel";
import { reasonWords, SourceBadge } from "./source";

/** One pair, whole: what was asked, what was answered, and what the other one said to it. */
export function PairDetail({ endpoint, id, onClose }: { endpoint: string; id: string; onClose: () => void }) {
  const { data: pair, error } = usePair(id);
  const remove = useDeletePair(endpoint);
  return (
    <Panel aria-label="The pair" className="grid content-start gap-5 p-5">
      <div className="flex items-center gap-2">
        <Button look="quiet" size="small" onClick={onClose}>
          <ArrowLeft className="size-3.5 xl:hidden" aria-hidden />
          <X className="size-3.5 max-xl:hidden" aria-hidden />
          <span className="xl:hidden">All pairs</span>
          <span className="max-xl:hidden">Close</span>
        </Button>
        <span className="grow" />
        {pair && (
          <Confirm
            title="Delete this pair?"
            action="Delete it"
            danger
            trigger={{ look: "quiet", size: "small", children: "Delete" }}
            onConfirm={async () => {
              await remove.mutateAsync(id);
              onClose();
            }}
          >
            <p>It is gone for good. A training that is under way with it starts anew without it.</p>
          </Confirm>
        )}
      </div>
      {error && <ErrorNote error={error} />}
      {!pair && !error && <Loading what="the pair" />}
      {pair && <Whole pair={pair} />}
    </Panel>
  );
}

function Whole({ pair }: { pair: Pair }) {
  const request = pair.request as { tools?: unknown } | null;
  return (
    <>
      <Section title="Request">
        <ol className="grid gap-3">
          {messagesOf(pair.request).map((m, i) => (
            <li key={i} className="grid gap-0.5">
              <span className="text-xs text-muted">{m.role}</span>
              <div className="max-h-80 overflow-y-auto text-sm whitespace-pre-wrap" tabIndex={0} role="group" aria-label={`Message of ${m.role}`}>
                {m.text}
              </div>
            </li>
          ))}
        </ol>
        {request?.tools !== undefined && (
          <details className="text-sm">
            <summary className="text-muted">Tools</summary>
            <pre className="overflow-x-auto font-mono text-xs">{pretty(request.tools)}</pre>
          </details>
        )}
      </Section>
      <Section title="Answer">
        <Answers pair={pair} />
      </Section>
      <Facts pair={pair} />
    </>
  );
}

function Answers({ pair }: { pair: Pair }) {
  const { data: other, error } = useOther(pair.id, !!pair.shadowId);
  if (!other)
    return (
      <div className="grid gap-2">
        {error && <ErrorNote error={error} />}
        <div className="max-h-[32rem] overflow-y-auto rounded-lg border border-line p-4 text-sm leading-relaxed whitespace-pre-wrap" tabIndex={0} role="group" aria-label="The answer" data-answer>
          {answerOf(pair) || <span className="text-muted">Empty</span>}
        </div>
      </div>
    );
  const [llm, slm] = pair.source === "llm" ? [pair, other] : [other, pair];
  const side = (p: Pair) => ({ head: <SourceBadge source={p.source} />, text: answerOf(p), foot: `${ms(p.latencyMs)} · ${counted(p.tokensOut, "token")}${p.costUSD > 0 ? ` · ${usd(p.costUSD)}` : ""}` });
  return <SideBySide left={side(llm)} right={side(slm)} />;
}

function Facts({ pair: p }: { pair: Pair }) {
  const facts: [string, ReactNode][] = [
    ["Answered by", <span key="by">{p.source.toUpperCase()}, {reasonWords(p.reason)}</span>],
    ["When", moment(p.createdAt)],
    ["Latency", p.latencyMs > 0 ? `${ms(p.latencyMs)}, first token after ${ms(p.firstTokenMs)}` : "–"],
    ["Tokens", `${count(p.tokensIn)} in, ${count(p.tokensOut)} out${p.counted ? "" : " (estimated)"}`],
    ["Price", p.source === "llm" ? `${usd(p.costUSD)} at list price` : "processor time only; see Savings"],
    ["Side", p.split === "eval" ? "for the exam" : "to learn from"],
    ...(p.complete ? [] : [["Complete", <span key="broken" className="text-bad">no, the answer broke off</span>] as [string, ReactNode]]),
    ...(p.user ? [["User", p.user] as [string, ReactNode]] : []),
    ["Id", <code key="id" className="font-mono text-xs">{p.id}</code>],
  ];
  return (
    <dl className="grid grid-cols-[7rem_minmax(0,1fr)] gap-y-1.5 border-t border-line pt-4 text-sm">
      {facts.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-muted">{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="grid gap-2">
      <h3 className="text-sm font-semibold">{title}</h3>
      {children}
    </section>
  );
}
