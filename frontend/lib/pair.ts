import type { Pair } from "./api";

export interface Message {
  role: string;
  text: string;
}

interface Wire {
  role?: string;
  content?: unknown;
  tool_calls?: unknown;
}

/** messagesOf reads a request's messages as text, whatever form their content has. */
export function messagesOf(request: unknown): Message[] {
  if (typeof request === "string") return [{ role: "request", text: request }];
  const messages = (request as { messages?: Wire[] } | null)?.messages;
  if (!Array.isArray(messages)) return [];
  return messages.map((m) => ({ role: String(m.role ?? ""), text: textOf(m.content) || (m.tool_calls ? pretty(m.tool_calls) : "") }));
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return content == null ? "" : pretty(content);
  return content.map((part: { type?: string; text?: string }) => part.text ?? `[${part.type ?? "part"}]`).join("\n");
}

/** questionOf is what was asked last. */
export function questionOf(pair: Pick<Pair, "request">): string {
  const messages = messagesOf(pair.request);
  return (messages.findLast((m) => m.role === "user") ?? messages.at(-1))?.text ?? "";
}

/** answerOf is the text, or the tool calls where there are any. */
export function answerOf(pair: Pick<Pair, "answer">): string {
  return pair.answer.text || (pair.answer.toolCalls ? pretty(pair.answer.toolCalls) : "");
}

export const pretty = (value: unknown) => JSON.stringify(value, null, 2);
