"use client";
import { Suspense } from "react";
import { useRouter, useSearchParams } from "next/navigation";
import { Compare } from "@/components/endpoint/compare";
import { EndpointHead } from "@/components/endpoint/head";
import { EndpointModels } from "@/components/endpoint/models";
import { Overview } from "@/components/endpoint/overview";
import { Pairs } from "@/components/endpoint/pairs";
import { Settings } from "@/components/endpoint/settings";
import { ErrorNote, Loading } from "@/components/ui/notes";
import { Tab, TabList, TabPanel, Tabs } from "@/components/ui/tabs";
import { useEndpoint } from "@/lib/queries";

export default function EndpointPage() {
  return (
    <Suspense>
      <FromAddress />
    </Suspense>
  );
}

const tabs = { overview: "Overview", pairs: "Pairs", compare: "Compare", models: "Models", settings: "Settings" };

/** Which endpoint, and which part of it, stands in the address. */
function FromAddress() {
  const address = useSearchParams();
  const router = useRouter();
  const name = address.get("name") ?? "";
  const asked = address.get("tab") ?? "overview";
  const tab = asked in tabs ? asked : "overview";
  const { data: endpoint, error } = useEndpoint(name);
  if (error && !endpoint) return <ErrorNote error={error} />;
  if (!endpoint) return <Loading what={`the endpoint ${name}`} />;
  return (
    <>
      <EndpointHead endpoint={endpoint} />
      <Tabs value={tab} onValueChange={(to) => router.replace(`/endpoint?name=${name}&tab=${to}`, { scroll: false })} key={name}>
        <TabList aria-label={`Parts of ${name}`}>
          {Object.entries(tabs).map(([value, label]) => (
            <Tab key={value} value={value}>
              {label}
            </Tab>
          ))}
        </TabList>
        <TabPanel value="overview">
          <Overview endpoint={endpoint} />
        </TabPanel>
        <TabPanel value="pairs">
          <Pairs endpoint={endpoint} />
        </TabPanel>
        <TabPanel value="compare">
          <Compare endpoint={endpoint} />
        </TabPanel>
        <TabPanel value="models">
          <EndpointModels endpoint={endpoint} />
        </TabPanel>
        <TabPanel value="settings">
          <Settings endpoint={endpoint} />
        </TabPanel>
      </Tabs>
    </>
  );
}
