import { Field, Input } from "../ui/field";

interface Props {
  label: string;
  hint?: string;
  value: number;
  onChange: (value: number) => void;
  min?: number;
  max?: number;
  step?: number | "any";
}

/** A number with its limits. An empty box is not a number: the form will not go off with it. */
export const NumberField = ({ label, hint, value, onChange, ...limits }: Props) => (
  <Field label={label} hint={hint}>
    <Input type="number" required value={Number.isFinite(value) ? value : ""} onChange={(e) => onChange(e.target.valueAsNumber)} step="any" {...limits} />
  </Field>
);
