import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

const tones = {
  accent: "bg-accent-soft text-accent",
  plain: "bg-sunken text-muted",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
};

export type Tone = keyof typeof tones;

export const Badge = ({ tone = "plain", className, children }: { tone?: Tone; className?: string; children: ReactNode }) => (
  <span className={cx("inline-flex items-center gap-1.5 justify-self-start rounded-full px-2 py-0.5 text-xs font-medium tracking-normal whitespace-nowrap", tones[tone], className)}>{children}</span>
);
