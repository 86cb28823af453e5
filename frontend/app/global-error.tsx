"use client";

export default function GlobalError({ error, unstable_retry }: { error: Error; unstable_retry?: () => void }) {
  return (
    <html lang="en">
      <body>
        <main>
          <h1>This page broke</h1>
          <p>{error.message}</p>
          <button type="button" onClick={() => (unstable_retry ? unstable_retry() : location.reload())}>
            Try again
          </button>
        </main>
      </body>
    </html>
  );
}
