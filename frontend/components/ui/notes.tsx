import type { ReactNode } from "react";
import { CircleAlert, TriangleAlert } from "lucide-react";
import { cx } from "@/lib/cx";

/** What went wrong and what to do about it. */
export function ErrorNote({ error, children }: { error: unknown; children?: ReactNode }) {
  return (
    <div role="alert" className="flex items-start gap-2.5 rounded-lg bg-bad-soft px-3.5 py-2.5 text-sm text-bad">
      <CircleAlert className="mt-0.5 size-4 shrink-0" aria-hidden />
      <div className="min-w-0">
        {error instanceof Error ? error.message : String(error)}
        {children}
      </div>
    </div>
  );
}

export function Warning({ children }: { children: ReactNode }) {
  return (
    <div className="flex items-start gap-2.5 rounded-lg bg-warn-soft px-3.5 py-2.5 text-sm text-warn">
      <TriangleAlert className="mt-0.5 size-4 shrink-0" aria-hidden />
      <div className="min-w-0">{children}</div>
    </div>
  );
}

/** Nothing is here yet, and this is the next step. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="mx-auto grid max-w-md justify-items-center gap-2 px-6 py-14 text-center">
      <svg viewBox="0 0 48 48" className="mb-1 size-10" aria-hidden>
        <circle cx="19" cy="20" r="11" fill="none" className="stroke-llm" strokeWidth="2.5" strokeDasharray="4 4" />
        <circle cx="29" cy="29" r="11" className="fill-accent-soft stroke-accent" strokeWidth="2" />
      </svg>
      <h3 className="font-semibold">{title}</h3>
      <div className="grid gap-2 text-sm text-muted">{children}</div>
      {action && <div className="mt-2 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  );
}

export const Skeleton = ({ className }: { className?: string }) => <div aria-hidden className={cx("breathe rounded-lg bg-sunken", className)} />;

/** Stands in while something is fetched. */
export function Loading({ what }: { what: string }) {
  return (
    <div role="status" className="grid gap-3 p-5">
      <span className="sr-only">Loading {what}</span>
      <Skeleton className="h-5 w-1/3" />
      <Skeleton className="h-16" />
      <Skeleton className="h-16" />
    </div>
  );
}
