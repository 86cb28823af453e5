"use client";
import { useState, type ReactNode } from "react";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { Problem } from "@/lib/api";
import { useLive } from "@/lib/live";
import { useSession, useStatus } from "@/lib/queries";
import { Navigation } from "./navigation";
import { SignIn } from "./sign-in";
import { ErrorNote, Warning } from "./ui/notes";

const isClient = (err: unknown) => err instanceof Problem && err.status >= 400 && err.status < 500;

/** Everything around a page: who may look, the way about, and whether the platform answers. */
export function Shell({ children }: { children: ReactNode }) {
  const [queries] = useState(() => new QueryClient({ defaultOptions: { queries: { staleTime: 1_000, retry: (n, err) => !isClient(err) && n < 1, retryDelay: 500 } } }));
  return (
    <QueryClientProvider client={queries}>
      <Door>{children}</Door>
    </QueryClientProvider>
  );
}

function Door({ children }: { children: ReactNode }) {
  const session = useSession();
  if (session.data === undefined) return <Knocking error={session.error} />;
  return session.data.signedIn ? <Inside>{children}</Inside> : <SignIn />;
}

function Inside({ children }: { children: ReactNode }) {
  const status = useStatus();
  if (status.error instanceof Problem && status.error.status === 401) return <SignIn />; // the key was changed
  if (status.data === undefined) return <Knocking error={status.error} />;
  return <House error={status.error}>{children}</House>;
}

/** Before anything is known. */
function Knocking({ error }: { error: Error | null }) {
  return (
    <main className="mx-auto grid max-w-md gap-4 px-6 pt-[22vh]">
      <h1 className="text-xl font-semibold">Understudy</h1>
      {error ? <ErrorNote error={error} /> : <p className="breathe text-muted">Asking the platform …</p>}
    </main>
  );
}

function House({ error, children }: { error: Error | null; children: ReactNode }) {
  const connection = useLive();
  const { data: status } = useStatus();
  return (
    <div className="lg:grid lg:grid-cols-[15rem_minmax(0,1fr)]">
      <a href="#page" className="fixed top-2 left-2 z-50 -translate-y-20 rounded-lg bg-accent px-3 py-2 text-sm text-accent-ink focus:translate-y-0">
        Skip to the page
      </a>
      <Navigation connection={error ? "lost" : connection} />
      <main id="page" tabIndex={-1} className="mx-auto grid w-full max-w-[84rem] grid-cols-[minmax(0,1fr)] content-start gap-5 px-4 pt-5 pb-16 outline-none sm:px-8 lg:pt-8">
        {error && <ErrorNote error={error}> What you see is as of the last answer.</ErrorNote>}
        {status?.warnings?.map((text) => <Warning key={text}>{text}</Warning>)}
        {children}
      </main>
    </div>
  );
}
