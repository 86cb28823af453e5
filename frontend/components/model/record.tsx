import type { ReactNode } from "react";
import type { Model } from "@/lib/api";
import { bytes, count, counted, moment, percent, span, usd } from "@/lib/format";
import { Fold } from "../ui/fold";
import { CopyButton } from "../ui/copy";

type Row = [name: string, value: ReactNode] | false | undefined;

/** Everything that makes this model what it is, from the data set's hash to the release. */
export function Record({ model: m }: { model: Model }) {
  const t = m.training;
  const made = t.manifest;
  return (
    <Fold title="Record" note="From the data set to the release; enough to make the same model again.">
      <div className="grid gap-x-10 gap-y-6 px-5 pb-6 lg:grid-cols-2">
        <Group
          name="Data set"
          rows={[
            ["Pairs", `${count(m.trainPairs)} to learn from, ${count(m.evalPairs)} for the exam`],
            made && made.validationPairs > 0 && ["Set apart", `${counted(made.validationPairs, "pair")} of them, to tell when nothing gets better any more`],
            made && made.skippedPairs > 0 && ["Passed over", `${counted(made.skippedPairs, "pair")}: ${Object.entries(made.skippedBecause ?? {}).map(([why, n]) => `${why} (${count(n)})`).join(", ") || "they could not teach"}`],
            !!m.datasetSha256 && ["SHA-256", <Hash key="h" value={m.datasetSha256} />],
            ["Tasks", m.fingerprints.length === 0 ? "–" : m.fingerprints.map((f) => <code key={f} className="mr-2 font-mono text-xs">{f.slice(0, 12)}</code>)],
          ]}
        />
        <Group
          name="Training"
          rows={[
            ["Base", m.base],
            !!made?.baseSha256 && ["Base’s SHA-256", <Hash key="h" value={made.baseSha256} />],
            !!made && ["Seed", made.seed],
            ["Where", [t.provider, made?.device || t.gpu, t.where].filter(Boolean).join(", ") || "–"],
            !!made && ["Steps, time", `${counted(made.steps, "step")} in ${span(made.seconds)}`],
            !!made?.tokens && ["Tokens", `${count(made.tokens)} trained on, ${count(Math.round(made.tokensPerSecond ?? 0))} a second`],
            !!made?.bestStep && ["Weights of", `step ${count(made.bestStep)}${made.bestStep < made.steps ? ", the best by the pairs set apart" : ", the last"}`],
            made?.evalExact !== undefined && ["Its own exam", `${percent(made.evalExact)} of ${counted(made.validationPairs, "pair")} set apart answered word for word`],
            !!made?.stopReason && ["It ended", ends[made.stopReason] ?? made.stopReason],
            ["Cost", t.costUSD > 0 ? `${usd(t.costUSD)} ${t.costBasis === "bill" ? "by the bill" : "(estimate: price times time)"}` : "no bill: your own processor"],
            ...(t.rentals ?? []).map((r): Row => [`Rented, attempt ${r.attempt}`, `${r.gpu}${r.where ? `, ${r.where}` : ""}: ${span(r.rentedSeconds)}${r.machines > 1 ? ` on ${count(r.machines)} machines` : ""}, ${usd(r.costUSD)} ${r.costBasis === "bill" ? "billed" : "estimated"}${r.settled ? "" : "; the bill may still change"}`]),
            ...(t.notes ?? []).map((note, i): Row => [i === 0 ? "On its way" : "", note]),
            ...Object.entries(made?.hyperparameters ?? m.hyperparameters).filter(([name, value]) => name !== "seed" && value !== 0 && value !== "").map(([name, value]): Row => [spaced(name), Array.isArray(value) ? value.join(", ") : typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value)]),
          ]}
        />
        <Group name="Artefacts" rows={m.artifacts.length === 0 ? [["", "None yet"]] : m.artifacts.map((a): Row => [a.name, <Hash key={a.name} value={a.sha256} note={bytes(a.size)} />])} />
        <Group
          name="Release"
          rows={[
            ["Helm release", m.release ? `${m.release}, revision ${m.revision ?? 0}` : "none: it is not on stage"],
            ["Pods wanted", m.asleep ? "0: asleep, wakes with the next request" : count(m.replicas)],
            m.forced && ["Forced", `by ${m.forcedBy || "a person"}, although the gate had not passed it`],
            !!m.servedSince && ["Serves since", moment(m.servedSince)],
            ["Created", moment(m.createdAt)],
            ["Id", <code key="id" className="font-mono text-xs">{m.id}</code>],
          ]}
        />
      </div>
    </Fold>
  );
}

const ends: Record<string, string> = { steps: "after all its steps", deadline: "at its limit of time or cost, with what it had learnt", validation: "early: nothing got better any more" };

const spaced = (name: string) => {
  const text = name.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase().replace("lora", "LoRA");
  return text.charAt(0).toUpperCase() + text.slice(1);
};

function Group({ name, rows }: { name: string; rows: Row[] }) {
  return (
    <section className="grid content-start gap-2">
      <h3 className="text-xs font-medium text-muted">{name}</h3>
      <dl className="grid grid-cols-[9rem_minmax(0,1fr)] gap-x-3 gap-y-1.5 text-sm">
        {rows.filter((row) => !!row).map(([key, value]) => (
          <div key={key} className="contents">
            <dt className="text-muted">{key}</dt>
            <dd className="min-w-0">{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

const Hash = ({ value, note }: { value: string; note?: string }) => (
  <span className="flex flex-wrap items-center gap-2">
    <code className="font-mono text-xs" title={value}>
      {value.slice(0, 16)}…
    </code>
    {note && <span className="text-xs text-muted">{note}</span>}
    <CopyButton text={value} what="the SHA-256" />
  </span>
);
