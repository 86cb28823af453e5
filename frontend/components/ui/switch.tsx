import { Switch as Radix } from "radix-ui";
import { cx } from "@/lib/cx";

export interface SwitchProps {
  checked: boolean;
  onChange: (checked: boolean) => void;
  label: string;
  disabled?: boolean;
  /** What it does is out of the ordinary: shown amber while on. */
  alarming?: boolean;
  id?: string;
  "aria-describedby"?: string;
}

export function Switch({ checked, onChange, label, disabled, alarming, ...rest }: SwitchProps) {
  return (
    <Radix.Root
      checked={checked}
      onCheckedChange={onChange}
      disabled={disabled}
      aria-label={label}
      className={cx(
        "relative h-[22px] w-[38px] shrink-0 rounded-full border border-strong-line bg-sunken transition-colors disabled:opacity-50",
        alarming ? "data-[state=checked]:border-warn data-[state=checked]:bg-warn" : "data-[state=checked]:border-accent data-[state=checked]:bg-accent",
      )}
      {...rest}
    >
      <Radix.Thumb className="block size-4 translate-x-[2px] rounded-full bg-strong-line transition-transform data-[state=checked]:translate-x-[18px] data-[state=checked]:bg-panel" />
    </Radix.Root>
  );
}
