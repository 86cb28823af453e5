import { useId } from "react";
import { Switch } from "../ui/switch";

/** A switch with what it does beside it. */
export function SwitchRow({ name, hint, checked, onChange }: { name: string; hint: string; checked: boolean; onChange: (to: boolean) => void }) {
  const id = useId();
  return (
    <div className="flex items-start justify-between gap-4">
      <div className="grid gap-0.5">
        <span className="text-sm font-medium">{name}</span>
        <span id={id} className="text-xs text-muted">
          {hint}
        </span>
      </div>
      <Switch checked={checked} onChange={onChange} label={name} aria-describedby={id} />
    </div>
  );
}
