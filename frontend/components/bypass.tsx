"use client";
import { useBypass, useStatus } from "@/lib/queries";
import { Switch } from "./ui/switch";
import { ErrorNote } from "./ui/notes";

/** The one switch: everything, or everything of an endpoint, to the LLM. */
export function BypassSwitch({ endpoint, compact }: { endpoint?: string; compact?: boolean }) {
  const { data: status } = useStatus();
  const change = useBypass(endpoint);
  const now = endpoint ? status?.endpoints.find((e) => e.name === endpoint)?.bypass : status?.bypass;
  const on = change.isPending ? change.variables : (now ?? false);
  const label = endpoint ? `Bypass the SLM of ${endpoint}` : "Bypass every SLM";
  const toggle = <Switch checked={on} onChange={(to) => change.mutate(to)} disabled={change.isPending} alarming label={label} />;
  const error = change.error && <ErrorNote error={change.error} />;
  if (compact)
    return (
      <span className="inline-grid gap-2">
        {toggle}
        {error}
      </span>
    );
  return (
    <div className="grid gap-2">
      <div className="flex items-center gap-3">
        <div className="min-w-0 grow text-sm leading-tight">
          <div className="font-medium">{endpoint ? "Bypass" : "Bypass all"}</div>
          <div className="text-xs text-muted">{on ? "The LLM answers everything" : "Off: routed as trained"}</div>
        </div>
        {toggle}
      </div>
      {error}
    </div>
  );
}
