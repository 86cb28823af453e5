import { Field, Input } from "../ui/field";

interface Props {
  label: string;
  hint?: string;
  error?: string;
  value: number;
  onChange: (value: number) => void;
  min?: number;
  max?: number;
  step?: number | "any";
}

/** A number with its limits. An empty box is not a number: the form will not go off with it. */
export const NumberField = ({ label, hint, error, value, onChange, ...limits }: Props) => (
  <Field label={label} hint={hint} error={error}>
    <Input type="number" required value={Number.isFinite(value) ? value : ""} onChange={(e) => onChange(e.target.valueAsNumber)} step="any" {...limits} />
  </Field>
);

/** A number that may be left to the platform: an empty box, which is 0. */
export const OptionalNumber = ({ label, hint, error, value, onChange, placeholder, ...limits }: Props & { placeholder: string }) => (
  <Field label={label} hint={hint} error={error}>
    <Input type="number" placeholder={placeholder} value={value === 0 ? "" : value} onChange={(e) => onChange(e.target.value === "" ? 0 : e.target.valueAsNumber)} min={0} step="any" {...limits} />
  </Field>
);
