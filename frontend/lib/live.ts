"use client";
import { useEffect, useState } from "react";
import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import type { Event, Model } from "./api";
import { everythingShort } from "./queries";

export type Connection = "connecting" | "live" | "lost";

const again = 2_000; // before another try, where the browser has given up

/**
 * useLive follows the platform's events: what an event is about is fetched
 * again. After a gap everything is, since the stream goes on after the last
 * event that was seen.
 */
export function useLive(): Connection {
  const queries = useQueryClient();
  const [connection, setConnection] = useState<Connection>("connecting");
  useEffect(() => {
    let source: EventSource;
    let retry: ReturnType<typeof setTimeout>;
    let last = "";
    let gap = false;
    const soon = gather(queries);
    const open = () => {
      source = new EventSource(`/api/v1/events${last && `?after=${last}`}`);
      source.onopen = () => {
        setConnection("live");
        if (gap) void queries.invalidateQueries(everythingShort);
        gap = false;
      };
      source.onmessage = (message: MessageEvent<string>) => {
        last = message.lastEventId;
        soon(JSON.parse(message.data) as Event);
      };
      source.onerror = () => {
        gap = true;
        setConnection("lost");
        // The browser tries again by itself after a break, with Last-Event-ID, but not after an error answer.
        if (source.readyState === EventSource.CLOSED) retry = setTimeout(open, again);
      };
    };
    open();
    return () => {
      clearTimeout(retry);
      source.close();
    };
  }, [queries]);
  return connection;
}

/** gather collects what a burst of events is about, and has each thing fetched once. */
function gather(queries: QueryClient): (event: Event) => void {
  const stale = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    timer = undefined;
    for (const key of stale) void queries.invalidateQueries({ queryKey: JSON.parse(key) as string[] });
    stale.clear();
  };
  return (event) => {
    for (const key of about(event)) stale.add(JSON.stringify(key));
    timer ??= setTimeout(flush, 60);
  };
}

/** What only says how far something is; the diary leaves it out. */
const progress: Record<string, string[][]> = {
  "training.progress": [["model"]],
  "evaluation.progress": [["evaluations"]],
  "evaluation.scored": [["evaluations"]],
};

/** about names the queries whose answer an event changes. */
export function about(event: Pick<Event, "kind" | "endpoint" | "modelId">): string[][] {
  const keys = [["status"]];
  const moved = progress[event.kind];
  if (moved) return [...keys, ...moved, ["models", event.endpoint ?? ""]];
  keys.push(["events"]);
  if (event.kind.startsWith("key")) keys.push(["keys"]);
  if (event.endpoint) keys.push(["endpoint", event.endpoint], ["models", event.endpoint]);
  if (event.modelId) keys.push(["model"], ["evaluations"]); // models are also shown by their names
  if (event.kind === "model.phase") keys.push(["savings"]);
  return keys;
}

/** progressOf is how far a model's present phase is, from 0 to 1; undefined where nobody knows. */
export function progressOf(model: Pick<Model, "phase" | "training">): number | undefined {
  const { step, steps } = model.training;
  return model.phase === "training" && steps > 0 && step > 0 ? step / steps : undefined;
}
