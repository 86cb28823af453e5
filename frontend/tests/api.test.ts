import { expect, it } from "vitest";
import { fieldsOf } from "../lib/api";

it.each([
  ["one field", { detail: "maxCostUSD -1: use 0 (the platform's) or more" }, { maxCostUSD: "Use 0 (the platform's) or more" }],
  ["a field of a field", { detail: "hyperparameters.epochs: use 0 to 100" }, { "hyperparameters.epochs": "Use 0 to 100" }],
  ["two fields", { detail: "minTrainPairs 5, maxTrainPairs 2: use 1 ≤ min ≤ max" }, { minTrainPairs: "Use 1 ≤ min ≤ max", maxTrainPairs: "Use 1 ≤ min ≤ max" }],
  ["the shape of what was sent", { detail: "validation failed", errors: [{ location: "body.threshold", message: "expected number" }] }, { threshold: "Expected number" }],
  ["a field in a sentence", { detail: 'upstream "x" is not configured; there are: replay' }, { upstream: 'Upstream "x" is not configured; there are: replay' }],
  ["a field alone", { detail: "name: an endpoint keeps its name" }, { name: "An endpoint keeps its name" }],
  ["no field", { detail: "Another model of triage is deployed" }, {}],
  ["nothing", undefined, {}],
])("finds %s in a refusal", (_name, error, fields) => expect(fieldsOf(error)).toEqual(fields));
