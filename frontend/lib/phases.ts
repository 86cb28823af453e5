/** The phases in which a model gets to the stage, in order. */
export const way = ["training", "downloading", "llm_evaluation", "available", "deploying", "deployed"] as const;

const names: Record<string, string> = {
  training: "Training",
  downloading: "Downloading",
  llm_evaluation: "LLM Evaluation",
  available: "Available",
  deploying: "Deploying",
  deployed: "Deployed",
  failed: "Failed",
  retired: "Retired",
};

/** phaseName is the phase as a person reads it. */
export const phaseName = (phase: string) => names[phase] ?? phase;

/** busy tells whether work goes on by itself in this phase. */
export const busy = (phase: string) => ["training", "downloading", "llm_evaluation", "deploying"].includes(phase);

export type Action = "deploy" | "undeploy" | "evaluate" | "retry" | "retire";

/** actions are what a person may ask of a model in this phase. */
export function actions(phase: string): Action[] {
  switch (phase) {
    case "available":
      return ["deploy", "evaluate", "retire"];
    case "deploying":
    case "deployed":
      return ["undeploy"];
    case "failed":
      return ["retry", "retire"];
  }
  return [];
}

/** meaning says what the phase means for the person who looks. */
export function meaning(phase: string, verdict?: string): string {
  switch (phase) {
    case "":
      return "Collecting pairs";
    case "training":
      return "Learning from the LLM’s answers";
    case "downloading":
      return "Fetching the trained weights";
    case "llm_evaluation":
      return "Sitting the exam on unseen requests";
    case "available":
      return verdict === "refused" ? "The gate refused it; the LLM answers" : "Ready for the stage";
    case "deploying":
      return "Walking on stage";
    case "deployed":
      return "On stage";
    case "failed":
      return "Stopped; it says why";
    case "retired":
      return "Retired";
  }
  return "";
}
