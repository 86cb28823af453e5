import { cx } from "@/lib/cx";

/** How far something is, from 0 to 1; without a value it only says that it goes on. */
export function Progress({ value, label, className }: { value?: number; label: string; className?: string }) {
  const percent = value === undefined ? undefined : Math.round(100 * Math.min(1, Math.max(0, value)));
  return (
    <div role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent} className={cx("h-1.5 overflow-hidden rounded-full bg-sunken", className)}>
      <div className={cx("h-full rounded-full bg-accent transition-[width] duration-700", percent === undefined && "breathe w-full")} style={percent === undefined ? undefined : { width: `${percent}%` }} />
    </div>
  );
}
