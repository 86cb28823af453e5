"use client";
import { useState, type FormEvent } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { signIn } from "@/lib/api";
import { Button } from "./ui/button";
import { Field, Input } from "./ui/field";
import { ErrorNote } from "./ui/notes";

export function SignIn() {
  const queries = useQueryClient();
  const [key, setKey] = useState("");
  const [error, setError] = useState<unknown>();
  const [pending, setPending] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setPending(true);
    setError(undefined);
    try {
      await signIn(key);
      await queries.resetQueries();
    } catch (err) {
      setError(err);
    } finally {
      setPending(false);
    }
  };
  return (
    <main className="mx-auto grid max-w-sm gap-6 px-6 pt-[18vh]">
      <header className="grid gap-1">
        {/* eslint-disable-next-line @next/next/no-img-element -- there is nothing to optimise in an SVG */}
        <img src="/icon.svg" alt="" className="mb-3 size-10" />
        <h1 className="text-2xl font-semibold tracking-tight">Understudy</h1>
        <p className="text-muted">Small models that learn a large one’s part.</p>
      </header>
      <form onSubmit={(e) => void submit(e)} className="grid gap-4">
        <Field
          label="Admin key"
          hint={
            <>
              It stands in the file <code className="font-mono">admin-key</code> of the data directory; on Kubernetes, in the Secret <code className="font-mono">understudy-keys</code>.
            </>
          }
        >
          <Input type="password" autoComplete="current-password" required value={key} onChange={(e) => setKey(e.target.value)} autoFocus />
        </Field>
        {error !== undefined && <ErrorNote error={error} />}
        <Button type="submit" look="primary" pending={pending}>
          Sign in
        </Button>
      </form>
    </main>
  );
}
