import type { ComponentProps, ReactNode } from "react";
import { cx } from "@/lib/cx";

export function Panel({ className, ...rest }: ComponentProps<"section">) {
  return <section className={cx("rounded-xl border border-line bg-panel shadow-[var(--shadow)]", className)} {...rest} />;
}

/** The line above a panel's content: what it is, a word about it, what can be done. */
export function PanelHead({ title, note, children }: { title: ReactNode; note?: ReactNode; children?: ReactNode }) {
  return (
    <header className="flex flex-wrap items-center gap-x-4 gap-y-2 px-5 pt-4 pb-2">
      <div className="min-w-0 grow">
        <h2 className="text-sm font-semibold">{title}</h2>
        {note && <p className="text-sm text-muted">{note}</p>}
      </div>
      {children}
    </header>
  );
}
