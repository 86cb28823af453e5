"use client";
import { useState, type FormEvent } from "react";
import type { Comparison, Endpoint, Side } from "@/lib/api";
import { count, counted, ms, percent, usd } from "@/lib/format";
import { pretty } from "@/lib/pair";
import { useCompare } from "@/lib/queries";
import { SideBySide } from "../diff";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Field, Textarea } from "../ui/field";
import { ErrorNote, Warning } from "../ui/notes";
import { Panel } from "../ui/panel";
import { Progress } from "../ui/progress";
import { SourceBadge } from "./source";

/** A request put to both: the LLM and its understudy. */
export function Compare({ endpoint }: { endpoint: Endpoint }) {
  const [prompt, setPrompt] = useState("");
  const compare = useCompare(endpoint.name);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    compare.mutate({ prompt });
  };
  return (
    <div className="grid gap-5">
      <Panel className="p-5">
        <form onSubmit={submit} className="grid gap-3">
          <Field label="Ask both" hint="Asked behind the system prompt that this endpoint was last asked with. Nothing of it is captured; the LLM’s answer costs what it costs.">
            <Textarea
              required
              rows={3}
              value={prompt}
              placeholder="Type a request as your application would send it"
              onChange={(e) => setPrompt(e.target.value)}
              onKeyDown={(e) => e.key === "Enter" && (e.ctrlKey || e.metaKey) && e.currentTarget.form?.requestSubmit()}
            />
          </Field>
          <div className="flex items-center gap-3">
            <Button type="submit" look="primary" pending={compare.isPending}>
              Ask both
            </Button>
            <span className="text-xs text-muted max-sm:hidden">Ctrl + Enter</span>
          </div>
        </form>
      </Panel>
      {compare.isPending && <Progress label="Both are being asked" />}
      {compare.error && <ErrorNote error={compare.error} />}
      {compare.data && !compare.isPending && <Result result={compare.data} />}
    </div>
  );
}

function Result({ result }: { result: Comparison }) {
  return (
    <section aria-label="Both answers" className="grid gap-3">
      <div role="status" className="flex flex-wrap items-center gap-2 text-sm">
        {result.exact ? <Badge tone="accent">Identical</Badge> : result.similarity !== undefined && <Badge tone={result.similarity >= 0.85 ? "accent" : "warn"}>{percent(result.similarity)} similar</Badge>}
        {result.slm.latencyMs > 0 && result.llm.latencyMs > 0 && (
          <span className="text-muted">
            SLM {ms(result.slm.latencyMs)}, LLM {ms(result.llm.latencyMs)}
          </span>
        )}
      </div>
      {result.llm.error && <Warning>The LLM did not answer: {result.llm.error}</Warning>}
      {result.slm.error && <Warning>The SLM did not answer: {result.slm.error}</Warning>}
      <SideBySide left={sideOf("llm", result.llm)} right={sideOf("slm", result.slm)} />
    </section>
  );
}

function sideOf(source: string, side: Side) {
  return {
    head: (
      <>
        <SourceBadge source={source} />
        {side.model}
      </>
    ),
    text: side.text || (side.toolCalls ? pretty(side.toolCalls) : ""),
    foot: side.error ? undefined : `First token ${ms(side.firstTokenMs)}, all ${ms(side.latencyMs)} · ${counted(side.tokensIn, "token")} in, ${count(side.tokensOut)} out${side.costUSD > 0 ? ` · ${usd(side.costUSD)} at list price` : ""}`,
  };
}
