"use client";
import { useCallback, useRef, useState, type ReactNode } from "react";
import { cx } from "@/lib/cx";

/** useWidth follows the width of the element that the ref is put on. */
export function useWidth(): [(element: HTMLElement | null) => void, number] {
  const [width, setWidth] = useState(0);
  const watcher = useRef<ResizeObserver>(undefined);
  const ref = useCallback((element: HTMLElement | null) => {
    watcher.current?.disconnect();
    if (!element) return;
    watcher.current = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    watcher.current.observe(element);
  }, []);
  return [ref, width];
}

/** A drawing with a name for those who do not see it. */
export function Chart({ label, height, className, children }: { label: string; height: number; className?: string; children: (width: number) => ReactNode }) {
  const [ref, width] = useWidth();
  return (
    <figure ref={ref} className={cx("relative m-0 min-w-0", className)} style={{ height }}>
      {width > 0 && children(width)}
      <figcaption className="sr-only">{label}</figcaption>
    </figure>
  );
}

export function Legend({ items }: { items: { name: string; className: string; value?: string }[] }) {
  return (
    <ul className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-muted">
      {items.map((item) => (
        <li key={item.name} className="flex items-center gap-1.5">
          <span aria-hidden className={cx("size-2.5 rounded-[3px]", item.className)} />
          {item.name}
          {item.value && <span className="font-medium text-ink">{item.value}</span>}
        </li>
      ))}
    </ul>
  );
}

/** What stands beside the pointer. */
export function Tip({ x, width, children }: { x: number; width: number; children: ReactNode }) {
  return (
    <div
      aria-hidden
      className="pointer-events-none absolute top-0 z-10 rounded-lg border border-line bg-panel px-2.5 py-1.5 text-xs whitespace-nowrap shadow-md"
      style={x > width / 2 ? { right: width - x + 10 } : { left: x + 10 }}
    >
      {children}
    </div>
  );
}
