import { useId, type ComponentProps, type ReactElement, type ReactNode } from "react";
import { cloneElement } from "react";
import { cx } from "@/lib/cx";

const box = "rounded-lg border border-strong-line/60 bg-panel px-3 text-sm placeholder:text-muted disabled:opacity-60";

export const Input = ({ className, ...rest }: ComponentProps<"input">) => <input className={cx(box, "h-9 w-full", className)} {...rest} />;

export const Textarea = ({ className, ...rest }: ComponentProps<"textarea">) => <textarea className={cx(box, "w-full min-h-24 py-2 leading-relaxed", className)} {...rest} />;

/** fit: no wider than its choices. */
export const Select = ({ className, fit, ...rest }: ComponentProps<"select"> & { fit?: boolean }) => <select className={cx(box, "h-9 max-w-full pr-8", !fit && "w-full", className)} {...rest} />;

/** A labelled control with what to know about it, or what is wrong. */
export function Field({ label, hint, error, children }: { label: string; hint?: ReactNode; error?: string; children: ReactElement<{ id?: string; "aria-describedby"?: string; "aria-invalid"?: boolean }> }) {
  const id = useId();
  const said = error ?? hint;
  return (
    <div className="grid content-start gap-1">
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      {cloneElement(children, { id, "aria-describedby": said ? `${id}-hint` : undefined, "aria-invalid": error ? true : undefined })}
      {said && (
        <p id={`${id}-hint`} className={cx("text-xs", error ? "text-bad" : "text-muted")}>
          {said}
        </p>
      )}
    </div>
  );
}
