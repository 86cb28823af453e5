"use client";
import { useState, type ReactNode } from "react";
import { Button, type ButtonProps } from "./button";
import { Dialog } from "./dialog";
import { ErrorNote } from "./notes";

interface Props {
  title: string;
  children: ReactNode;
  action: string;
  onConfirm: () => Promise<unknown>;
  danger?: boolean;
  trigger: ButtonProps;
  /** What stands in the way of confirming, e.g. a name not typed yet. */
  blocked?: boolean;
}

/** A button that asks before it does what it says. */
export function Confirm({ title, children, action, onConfirm, danger, trigger, blocked }: Props) {
  const [open, setOpen] = useState(false);
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>();
  const close = () => {
    setOpen(false);
    setError(undefined);
  };
  const confirm = async () => {
    setPending(true);
    setError(undefined);
    try {
      await onConfirm();
      close();
    } catch (err) {
      setError(err);
    } finally {
      setPending(false);
    }
  };
  return (
    <>
      <Button {...trigger} onClick={() => setOpen(true)} />
      <Dialog open={open} onClose={close} title={title}>
        <div className="grid gap-3 text-sm text-muted">{children}</div>
        {error !== undefined && <ErrorNote error={error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={close}>Cancel</Button>
          <Button look={danger ? "danger" : "primary"} onClick={() => void confirm()} pending={pending} disabled={blocked}>
            {action}
          </Button>
        </div>
      </Dialog>
    </>
  );
}
