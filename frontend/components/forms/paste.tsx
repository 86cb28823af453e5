"use client";
import { Code } from "../ui/copy";
import { Tab, TabList, TabPanel, Tabs } from "../ui/tabs";
import { snippets } from "@/lib/snippets";
import { useGateway } from "@/lib/queries";

/** The lines that point an application here. */
export function Paste({ endpoint, secret }: { endpoint: string; secret: string }) {
  const { data: gateway } = useGateway();
  const lines = snippets(gateway ?? "http://127.0.0.1:8000", secret, endpoint);
  return (
    <Tabs defaultValue="Python">
      <TabList aria-label="Language">
        {Object.keys(lines).map((language) => (
          <Tab key={language} value={language}>
            {language}
          </Tab>
        ))}
      </TabList>
      {Object.entries(lines).map(([language, text]) => (
        <TabPanel key={language} value={language} className="pt-3">
          <Code text={text} what={`Code in ${language}`} />
        </TabPanel>
      ))}
    </Tabs>
  );
}
