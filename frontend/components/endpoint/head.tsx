"use client";
import Link from "next/link";
import type { Endpoint } from "@/lib/api";
import { useStatus, useTrain } from "@/lib/queries";
import { PageHead } from "../page-head";
import { PhaseBadge } from "../phase";
import { BypassSwitch } from "../bypass";
import { Button } from "../ui/button";
import { ErrorNote } from "../ui/notes";

export function EndpointHead({ endpoint }: { endpoint: Endpoint }) {
  const { data: status } = useStatus();
  const train = useTrain(endpoint.name);
  const now = status?.endpoints.find((e) => e.name === endpoint.name);
  return (
    <>
      <PageHead
        document={endpoint.name}
        above={
          <Link href="/" className="hover:text-ink hover:underline">
            Stage
          </Link>
        }
        title={
          <>
            {endpoint.name}
            {now && <PhaseBadge phase={now.phase} verdict={now.model?.verdict} asleep={now.model?.asleep} />}
          </>
        }
        note={`${endpoint.base} learns from ${endpoint.upstreamModel} (${endpoint.upstream})`}
      >
        <div className="mr-1 flex items-center gap-2 text-sm">
          Bypass <BypassSwitch endpoint={endpoint.name} compact />
        </div>
        <Button onClick={() => train.mutate(undefined)} pending={train.isPending}>
          Train now
        </Button>
      </PageHead>
      {train.error && <ErrorNote error={train.error} />}
    </>
  );
}
