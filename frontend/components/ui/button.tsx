import type { ComponentProps } from "react";
import { Slot } from "radix-ui";
import { cx } from "@/lib/cx";

const looks = {
  primary: "bg-accent text-accent-ink hover:brightness-110",
  plain: "border border-line bg-panel hover:bg-sunken",
  quiet: "text-muted hover:bg-sunken hover:text-ink",
  danger: "bg-bad text-panel hover:brightness-110",
};

export interface ButtonProps extends ComponentProps<"button"> {
  look?: keyof typeof looks;
  size?: "small" | "medium" | "icon";
  asChild?: boolean;
  /** Work is under way: the button waits, and says so. */
  pending?: boolean;
}

export function Button({ look = "plain", size = "medium", asChild, pending, className, disabled, ...rest }: ButtonProps) {
  const Tag = asChild ? Slot.Root : "button";
  return (
    <Tag
      type={asChild ? undefined : "button"}
      aria-busy={pending || undefined}
      disabled={asChild ? undefined : disabled || pending}
      className={cx(
        "inline-flex items-center justify-center gap-1.5 rounded-lg font-medium whitespace-nowrap transition-[background-color,filter] disabled:opacity-50",
        size === "medium" && "min-h-9 px-3.5 text-sm",
        size === "small" && "min-h-7 px-2.5 text-xs",
        size === "icon" && "size-9 shrink-0",
        looks[look],
        pending && "breathe",
        className,
      )}
      {...rest}
    />
  );
}
