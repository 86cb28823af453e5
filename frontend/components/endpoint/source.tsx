import { Badge } from "../ui/badge";

/** Who answered. */
export const SourceBadge = ({ source }: { source: string }) => <Badge tone={source === "slm" ? "accent" : "plain"}>{source.toUpperCase()}</Badge>;

const reasons: Record<string, string> = {
  normal: "answered as routed",
  sample: "sampled for the teacher",
  fallback: "fell back to the LLM",
  forced: "asked for this route",
  import: "imported",
  shadow: "the SLM’s answer to a sampled request",
};

/** reasonWords says why that one answered. */
export const reasonWords = (reason: string) => reasons[reason] ?? reason;
