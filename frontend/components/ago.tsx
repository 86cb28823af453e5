"use client";
import { ago, moment } from "@/lib/format";
import { useNow } from "./now";

/** How long ago something was; the exact time on hovering. */
export function Ago({ at }: { at: string | undefined }) {
  const now = useNow();
  return at ? (
    <time dateTime={at} title={moment(at)} className="whitespace-nowrap">
      {ago(at, Math.max(now, Date.parse(at)))}
    </time>
  ) : (
    <>–</>
  );
}
