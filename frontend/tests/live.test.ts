import { expect, it } from "vitest";
import { about, progressOf } from "../lib/live";

it.each([
  ["a phase", { kind: "model.phase", endpoint: "triage", modelId: "m1" }, [["status"], ["events"], ["endpoint", "triage"], ["models", "triage"], ["model"], ["evaluations"], ["savings"]]],
  ["a step of a training", { kind: "training.progress", endpoint: "triage", modelId: "m1" }, [["status"], ["model"], ["models", "triage"]]],
  ["an answer in an exam", { kind: "evaluation.progress", endpoint: "triage", modelId: "m1" }, [["status"], ["evaluations"], ["models", "triage"]]],
  ["a key", { kind: "key.created" }, [["status"], ["events"], ["keys"]]],
  ["the bypass", { kind: "bypass" }, [["status"], ["events"]]],
])("fetches again what %s is about", (_name, event, keys) => expect(about(event)).toEqual(keys));

it("knows how far a training is only while it runs", () => {
  const training = { step: 10, steps: 40 } as Parameters<typeof progressOf>[0]["training"];
  expect(progressOf({ phase: "training", training })).toBe(0.25);
  expect(progressOf({ phase: "training", training: { ...training, step: 0 } })).toBeUndefined();
  expect(progressOf({ phase: "deployed", training })).toBeUndefined();
});
