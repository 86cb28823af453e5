import type { ReactNode } from "react";

/** Settings that belong together, with what they are about beside them. */
export function Group({ name, about, children }: { name: string; about: ReactNode; children: ReactNode }) {
  return (
    <fieldset className="grid gap-x-8 gap-y-4 px-5 py-5 lg:grid-cols-[14rem_minmax(0,1fr)]">
      <legend className="sr-only">{name}</legend>
      <div aria-hidden>
        <div className="text-sm font-semibold">{name}</div>
        <p className="text-sm text-muted">{about}</p>
      </div>
      <div className="grid items-start gap-x-6 gap-y-4 sm:grid-cols-2">{children}</div>
    </fieldset>
  );
}
