"use client";
import type { Evaluation, Model } from "@/lib/api";
import { count, counted, moment, ms, percent, score, span } from "@/lib/format";
import { PartsBar } from "../charts/share";
import { Histogram, Ruler } from "../charts/ruler";
import { Legend } from "../charts/frame";
import { Badge } from "../ui/badge";
import { Fold } from "../ui/fold";
import { Panel, PanelHead } from "../ui/panel";
import { Exam } from "../endpoint/next-step";
import { Answers } from "./answers";

/** A verdict in a person's words, the numbers it rests on, and the answers, worst first. */
export function EvaluationPanel({ evaluation: e, model }: { evaluation: Evaluation; model: Model }) {
  if (!e.verdict)
    return (
      <Panel>
        <PanelHead title="Exam" note="The model answers requests that it never saw; the LLM’s answers are the measure." />
        <div className="px-5 pb-5">
          <Exam model={model} />
        </div>
      </Panel>
    );
  return (
    <Panel data-evaluation={e.verdict}>
      <PanelHead title={<Title evaluation={e} />} note={when(e)} />
      <Verdict evaluation={e} model={model} />
    </Panel>
  );
}

/** One that a later attempt has replaced. */
export function EarlierEvaluation({ evaluation: e, model }: { evaluation: Evaluation; model: Model }) {
  if (!e.verdict) return null;
  return (
    <Fold title={<Title evaluation={e} />} note={`Before: ${e.words}`}>
      <Verdict evaluation={e} model={model} />
    </Fold>
  );
}

function Title({ evaluation: e }: { evaluation: Evaluation }) {
  const passed = e.verdict === "passed";
  return (
    <span className="flex flex-wrap items-center gap-2">
      Evaluation{e.attempt > 1 && `, attempt ${e.attempt}`} <Badge tone={passed ? "accent" : "warn"}>{passed ? "Passed" : "Refused"}</Badge>
    </span>
  );
}

const when = (e: Evaluation) => `${moment(e.endedAt)}, took ${span((Date.parse(e.endedAt) - Date.parse(e.startedAt)) / 1000)}, ${ms(e.meanLatencyMs)} an answer`;

function Verdict({ evaluation: e, model }: { evaluation: Evaluation; model: Model }) {
  const passed = e.verdict === "passed";
  const parts = [
    { name: "identical", count: e.identical, className: "bg-accent" },
    { name: "close", count: e.close, className: "bg-accent/50" },
    { name: "different", count: e.different - e.errors, className: "bg-warn" },
    { name: "no answer", count: e.errors, className: "bg-bad" },
  ];
  const metric = e.metric === "exact" ? "share of identical answers" : "mean similarity of the answers";
  return (
    <div className="grid gap-8 px-5 pb-6">
      <div className="grid gap-3">
        <p className="max-w-[60ch] text-xl leading-snug font-medium tracking-tight" data-words>
          {e.words.charAt(0).toUpperCase() + e.words.slice(1)}
        </p>
        <PartsBar parts={parts} />
        <Legend items={parts.filter((p) => p.count > 0).map((p) => ({ name: p.name, className: p.className, value: `${count(p.count)} (${percent(p.count / e.n)})` }))} />
      </div>
      <div className="grid gap-2">
        <h3 className="text-sm font-semibold">Against the threshold</h3>
        <p className="max-w-[75ch] text-sm text-muted">
          The {metric} is {score(e.score)}. Were other requests drawn, it would still be at least <strong className="font-semibold text-ink">{score(e.lowerBound)}</strong> with {percent(1 - e.alpha, e.alpha < 0.05 ? 1 : 0)} confidence: that
          lower bound is the dot, and it {passed ? "reaches" : "does not reach"} the threshold of {e.threshold.toFixed(2)}. {!passed && e.reason}
        </p>
        <Ruler
          threshold={e.threshold}
          lower={e.lowerBound}
          mean={e.score}
          passed={passed}
          yardsticks={[
            { name: `Untrained base${e.baseN ? ` (${counted(e.baseN, "request")})` : ""}`, value: e.baseScore },
            { name: "Nearest look-up", value: e.lookupScore },
            { name: "Shuffled answers", value: e.shuffledScore },
          ]}
        />
        <p className="text-xs text-muted">
          Yardsticks: the same base before training; the answer to the most similar training request; right answers to the wrong requests.
          {e.farN > 0 && e.nearN > 0 && ` Requests close to a training request score ${score(e.nearScore)} (${count(e.nearN)}), those far from all ${score(e.farScore)} (${count(e.farN)}).`}
        </p>
      </div>
      <div className="grid gap-2">
        <h3 className="text-sm font-semibold">Answers by similarity to the LLM’s</h3>
        <Histogram bins={e.histogram ?? []} identical={e.identical} />
      </div>
      <Answers model={model.id} attempt={e.attempt} />
    </div>
  );
}
