"use client";
import { useState } from "react";
import { Check, Copy } from "lucide-react";
import { Button } from "./button";

/** Copies a text; it says that it did, or selects the text where the browser forbids it. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [done, setDone] = useState<boolean>();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone(true);
    } catch {
      setDone(false);
    }
    setTimeout(() => setDone(undefined), 2_000);
  };
  return (
    <Button size="small" onClick={() => void copy()} aria-label={`Copy ${what}`}>
      {done ? <Check className="size-3.5" aria-hidden /> : <Copy className="size-3.5" aria-hidden />}
      <span aria-live="polite">{done === undefined ? "Copy" : done ? "Copied" : "Select it yourself"}</span>
    </Button>
  );
}

export function Code({ text, what }: { text: string; what: string }) {
  return (
    <div className="relative rounded-lg border border-line bg-sunken">
      <pre tabIndex={0} aria-label={what} className="overflow-x-auto p-4 pr-24 font-mono text-xs leading-relaxed whitespace-pre">
        {text}
      </pre>
      <div className="absolute top-2 right-2">
        <CopyButton text={text} what={what} />
      </div>
    </div>
  );
}
