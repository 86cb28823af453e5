"use client";
import { useState } from "react";
import { EventList } from "@/components/event-list";
import { PageHead } from "@/components/page-head";
import { UnderWay } from "@/components/under-way";
import { Select } from "@/components/ui/field";
import { Panel } from "@/components/ui/panel";
import { useStatus } from "@/lib/queries";

export default function ActivityPage() {
  const [endpoint, setEndpoint] = useState("");
  const { data: status } = useStatus();
  return (
    <>
      <PageHead title="Activity" document="Activity" note="What happened, as it happened.">
        <Select aria-label="Endpoint" value={endpoint} onChange={(e) => setEndpoint(e.target.value)} fit>
          <option value="">Every endpoint</option>
          {status?.endpoints.map((e) => <option key={e.name}>{e.name}</option>)}
        </Select>
      </PageHead>
      <UnderWay endpoint={endpoint || undefined} />
      <Panel className="pt-2">
        <EventList filter={{ endpoint: endpoint || undefined }} />
      </Panel>
    </>
  );
}
