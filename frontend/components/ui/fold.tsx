"use client";
import { useState, type ReactNode } from "react";
import { ChevronRight } from "lucide-react";

/** A panel that opens: the browser's own, so the keyboard and screen readers know it. What is in it is made when it is first opened. */
export function Fold({ title, note, open = false, children }: { title: ReactNode; note?: ReactNode; open?: boolean; children: ReactNode }) {
  const [wanted, setWanted] = useState(open);
  return (
    <details open={open} onToggle={(e) => e.currentTarget.open && setWanted(true)} className="group rounded-xl border border-line bg-panel shadow-[var(--shadow)]">
      <summary className="flex list-none items-center gap-3 rounded-xl px-5 py-4 hover:bg-sunken/50 [&::-webkit-details-marker]:hidden">
        <div className="min-w-0 grow">
          <h2 className="text-sm font-semibold">{title}</h2>
          {note && <p className="text-sm text-muted">{note}</p>}
        </div>
        <ChevronRight className="size-4 shrink-0 text-muted transition-transform group-open:rotate-90" aria-hidden />
      </summary>
      {wanted && <div className="pt-1">{children}</div>}
    </details>
  );
}
