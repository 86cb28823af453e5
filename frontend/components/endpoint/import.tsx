"use client";
import { useRef, useState } from "react";
import { Upload } from "lucide-react";
import { counted } from "@/lib/format";
import { useImport } from "@/lib/queries";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { ErrorNote } from "../ui/notes";
import { Progress } from "../ui/progress";

/** Takes a file of conversations and says what came of it. */
export function ImportButton({ endpoint }: { endpoint: string }) {
  const input = useRef<HTMLInputElement>(null);
  const [open, setOpen] = useState(false);
  const load = useImport(endpoint);
  const take = (file: File | undefined) => {
    if (!file) return;
    setOpen(true);
    load.mutate(file);
    if (input.current) input.current.value = "";
  };
  return (
    <>
      <input ref={input} type="file" accept=".jsonl,.ndjson,application/jsonl" aria-label="File of conversations" className="sr-only" tabIndex={-1} onChange={(e) => take(e.target.files?.[0])} />
      <Button onClick={() => input.current?.click()}>
        <Upload className="size-4" aria-hidden />
        Import
      </Button>
      <Dialog open={open} onClose={() => setOpen(false)} title="Import conversations">
        {load.isPending && (
          <div className="grid gap-2 text-sm text-muted">
            <Progress label="Import" />
            Reading the lines …
          </div>
        )}
        {load.error && <ErrorNote error={load.error} />}
        {load.data && (
          <div className="grid gap-3 text-sm" role="status">
            <p>
              {counted(load.data.imported, "pair is", "pairs are")} imported{load.data.brokenCount > 0 ? `; ${counted(load.data.brokenCount, "line was", "lines were")} passed over:` : "."}
            </p>
            {(load.data.broken ?? []).length > 0 && (
              <ul className="max-h-56 overflow-y-auto text-muted">
                {load.data.broken!.map((b) => (
                  <li key={b.line}>
                    Line {b.line}: {b.error}
                  </li>
                ))}
              </ul>
            )}
          </div>
        )}
        <div className="flex justify-end">
          <Button onClick={() => setOpen(false)} disabled={load.isPending}>
            Close
          </Button>
        </div>
      </Dialog>
    </>
  );
}
