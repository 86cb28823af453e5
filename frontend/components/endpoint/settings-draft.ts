import type { Endpoint, EndpointInput, Hyperparameters } from "@/lib/api";

/** What can be set of an endpoint. */
export type Draft = Required<
  Pick<
    EndpointInput,
    | "upstream" | "upstreamModel" | "base" | "metric" | "threshold" | "minTrainPairs" | "minEvalPairs" | "maxTrainPairs" | "maxEvalPairs" | "slmShare" | "teacherShare"
    | "slmFirstTokenTimeoutSeconds" | "slmTotalTimeoutSeconds" | "scaleToZeroAfterSeconds" | "capture" | "autoTrain" | "autoDeploy" | "fingerprint" | "retentionDays"
    | "maxCostUSD" | "deadlineSeconds"
  >
> & { provider: string; gpuCandidates: string[]; hyperparameters: Hyperparameters };

export const draftOf = (e: Endpoint): Draft => ({
  upstream: e.upstream, upstreamModel: e.upstreamModel, base: e.base, metric: e.metric, threshold: e.threshold, minTrainPairs: e.minTrainPairs, minEvalPairs: e.minEvalPairs,
  maxTrainPairs: e.maxTrainPairs, maxEvalPairs: e.maxEvalPairs, slmShare: e.slmShare, teacherShare: e.teacherShare, slmFirstTokenTimeoutSeconds: e.slmFirstTokenTimeoutSeconds,
  slmTotalTimeoutSeconds: e.slmTotalTimeoutSeconds, scaleToZeroAfterSeconds: e.scaleToZeroAfterSeconds, capture: e.capture, autoTrain: e.autoTrain, autoDeploy: e.autoDeploy,
  fingerprint: e.fingerprint, retentionDays: e.retentionDays, maxCostUSD: e.maxCostUSD, deadlineSeconds: e.deadlineSeconds, provider: e.provider ?? "",
  gpuCandidates: e.gpuCandidates, hyperparameters: e.hyperparameters,
});

/** changesOf is what is different in the draft: only that is sent. */
export function changesOf(draft: Draft, saved: Draft): EndpointInput {
  const keys = Object.keys(draft) as (keyof Draft)[];
  return Object.fromEntries(keys.filter((key) => JSON.stringify(draft[key]) !== JSON.stringify(saved[key])).map((key) => [key, draft[key]]));
}

/** What a part of the form is given. */
export interface Part {
  draft: Draft;
  edit: <K extends keyof Draft>(key: K) => (value: Draft[K]) => void;
  /** What the backend says is wrong with a field, by its name on the wire. */
  wrong: (field: string) => string | undefined;
}
