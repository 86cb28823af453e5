"use client";
import { useState } from "react";
import Link from "next/link";
import { LedgerPanel, Prices, TotalsPanel } from "@/components/ledger";
import { PageHead } from "@/components/page-head";
import { Select } from "@/components/ui/field";
import { Empty, ErrorNote, Loading, Warning } from "@/components/ui/notes";
import { Panel } from "@/components/ui/panel";
import { useSavings } from "@/lib/queries";

const spans = [7, 30, 90];

export default function SavingsPage() {
  const [days, setDays] = useState(30);
  const { data, error } = useSavings(days);
  return (
    <>
      <PageHead title="Savings" document="Savings" note="What the small models did not cost, set against what they did. From measured tokens and processor time; a loss is shown as one.">
        <Select aria-label="Days shown" value={days} onChange={(e) => setDays(Number(e.target.value))} fit>
          {spans.map((n) => (
            <option key={n} value={n}>
              last {n} days
            </option>
          ))}
        </Select>
      </PageHead>
      {error && !data && <ErrorNote error={error} />}
      {!data && !error && <Loading what="the ledger" />}
      {data && data.unpriced.length > 0 && <Warning>No price is known for {data.unpriced.join(", ")}: requests to them count as nothing. Add them to the price file.</Warning>}
      {data && data.totals.requests === 0 && data.totals.trainingUSD === 0 && (
        <Panel>
          <Empty title="Nothing to add up yet">
            <p>
              The ledger begins with the first request. <Link href="/new" className="underline">Create an endpoint</Link> and send one.
            </p>
          </Empty>
        </Panel>
      )}
      {data && (data.totals.requests > 0 || data.totals.trainingUSD !== 0) && (
        <>
          <TotalsPanel savings={data} />
          {data.endpoints.map((e) => (
            <LedgerPanel key={e.endpoint} ledger={e} />
          ))}
        </>
      )}
      {data && <Prices savings={data} />}
    </>
  );
}
