"use client";
import { useEffect, type ReactNode } from "react";

/** A page's title, a line on where things stand, and what can be done. */
export function PageHead({ title, document: name, note, above, children }: { title: ReactNode; document: string; note?: ReactNode; above?: ReactNode; children?: ReactNode }) {
  useEffect(() => {
    document.title = `${name} · Understudy`;
  }, [name]);
  return (
    <header className="flex flex-wrap items-start gap-x-6 gap-y-3">
      <div className="min-w-0 grow">
        {above && <div className="mb-1 text-sm text-muted">{above}</div>}
        <h1 className="flex flex-wrap items-center gap-x-3 gap-y-1 text-2xl font-semibold tracking-tight">{title}</h1>
        {note && <p className="mt-1 max-w-[80ch] text-muted">{note}</p>}
      </div>
      {children && <div className="flex flex-wrap items-center gap-2">{children}</div>}
    </header>
  );
}
