"use client";
import { useState } from "react";
import type { Hyperparameters } from "@/lib/api";
import { Group } from "../forms/group";
import { OptionalNumber } from "../forms/number-field";
import { Field, Input, Select } from "../ui/field";
import type { Part } from "./settings-draft";

/** Where a training runs, and what it may cost. */
export function Limits({ draft, edit, wrong }: Part) {
  const [gpus, setGPUs] = useState(draft.gpuCandidates.join(", "));
  return (
    <Group name="Limits of a training" about="At a limit it ends with what it has learnt by then. An empty box leaves it to the platform.">
      <Field label="Where it is trained" error={wrong("provider")}>
        <Select value={draft.provider} onChange={(e) => edit("provider")(e.target.value)}>
          <option value="">As the platform is set up</option>
          <option value="local">On the platform’s own processor</option>
          <option value="static">On a machine of yours</option>
          <option value="runpod">On a GPU rented at RunPod</option>
        </Select>
      </Field>
      <Field label="GPUs to rent" hint="The one wanted most first, with commas between" error={wrong("gpuCandidates")}>
        <Input
          value={gpus}
          placeholder="the trainer’s choice"
          onChange={(e) => {
            setGPUs(e.target.value);
            edit("gpuCandidates")(e.target.value.split(",").map((name) => name.trim()).filter(Boolean));
          }}
        />
      </Field>
      <OptionalNumber label="Maximum cost (US dollars)" placeholder="the platform’s limit" value={draft.maxCostUSD} onChange={edit("maxCostUSD")} error={wrong("maxCostUSD")} />
      <OptionalNumber label="Time limit (minutes)" placeholder="the platform’s limit" value={draft.deadlineSeconds / 60} onChange={(minutes) => edit("deadlineSeconds")(60 * minutes)} error={wrong("deadlineSeconds")} />
    </Group>
  );
}

type Name = { [K in keyof Hyperparameters]-?: NonNullable<Hyperparameters[K]> extends number ? K : never }[keyof Hyperparameters];

const numbers: { name: Name; label: string; hint?: string; whole?: boolean }[] = [
  { name: "epochs", label: "Epochs", hint: "How often each pair is seen" },
  { name: "maxSteps", label: "Steps, at most", whole: true },
  { name: "batchSize", label: "Batch size", hint: "Pairs in a step", whole: true },
  { name: "learningRate", label: "Learning rate", hint: "0.002 by default" },
  { name: "warmupSteps", label: "Warm-up steps", whole: true },
  { name: "loraRank", label: "LoRA rank", hint: "16 by default", whole: true },
  { name: "loraAlpha", label: "LoRA alpha", hint: "Twice the rank by default" },
  { name: "maxSequenceTokens", label: "Longest pair (tokens)", hint: "Longer ones are passed over", whole: true },
  { name: "validationFraction", label: "Share held back", hint: "Judges during the training, 0 to 0.5" },
  { name: "evalEverySteps", label: "Judge every so many steps", whole: true },
  { name: "earlyStoppingPatience", label: "Stop after so many without progress", whole: true },
  { name: "seed", label: "Seed", hint: "Of everything random", whole: true },
];

/** How it is trained; what is left empty is chosen by the size of the data. */
export function HyperparameterSettings({ draft, edit, wrong }: Part) {
  const h = draft.hyperparameters;
  const chosen = Object.values(h).filter((value) => value !== undefined).length;
  const [open] = useState(chosen > 0);
  const set = (name: keyof Hyperparameters, value: number | string) => edit("hyperparameters")({ ...h, [name]: value || undefined });
  return (
    <Group name="Hyperparameters" about="Of trainings from now on. What is left empty is chosen by the size of the data, which is nearly always right.">
      <details open={open} className="sm:col-span-2">
        <summary className="text-sm font-medium">{chosen > 0 ? `Set: ${chosen}; the others are chosen by the data` : "All are chosen by the data"}</summary>
        <div className="mt-4 grid items-start gap-x-6 gap-y-4 sm:grid-cols-2">
          {numbers.map(({ name, label, hint, whole }) => (
            <OptionalNumber key={name} label={label} hint={hint} placeholder="chosen by the data" step={whole ? 1 : "any"} value={h[name] ?? 0} onChange={(value) => set(name, value)} error={wrong(`hyperparameters.${name}`)} />
          ))}
          <Field label="Sampling" hint="Which pairs a training sees, and how often" error={wrong("hyperparameters.sampling")}>
            <Select value={h.sampling ?? ""} onChange={(e) => set("sampling", e.target.value)}>
              <option value="">As they come</option>
              <option value="dedup">Equal requests once, the newest answer</option>
              <option value="balanced">Each answer equally often</option>
            </Select>
          </Field>
        </div>
      </details>
    </Group>
  );
}
