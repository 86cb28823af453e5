"""A conversation -> token ids, the same ones that llama.cpp's server makes of it (cases in ci/contract/render.json)."""

from dataclasses import dataclass

import jinja2

from .errors import TrainingError


class Unusable(Exception):
    """Why a line cannot teach, in a few words."""


@dataclass(frozen=True)
class Example:
    """prompt: what the server reads; answer: what the model shall say, its stop token included."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


class Renderer:
    def __init__(self, tokenizer):
        self._tokenizer = tokenizer
        if not tokenizer.chat_template:
            raise TrainingError("the base has no chat template, so it cannot answer conversations: choose a base that is tuned for chat")
        self._stop = self._found_stop()

    @property
    def template(self) -> str:
        return self._tokenizer.chat_template

    @property
    def stop_tokens(self) -> list[str]:
        return [self._stop]

    def _found_stop(self) -> str:
        """The special token that the template puts behind an answer; not every base's template ends a turn with its end of text."""
        mark = "understudy"
        rendered = self._tokenizer.apply_chat_template([{"role": "user", "content": "?"}, {"role": "assistant", "content": mark}], tokenize=False)
        behind = rendered.rpartition(mark)[2].lstrip()
        special = [token.content for token in self._tokenizer.added_tokens_decoder.values() if token.special]
        return max((token for token in special if behind.startswith(token)), key=len, default=self._tokenizer.eos_token)

    def prompt(self, messages: list[dict]) -> str:
        return self._applied(messages, add_generation_prompt=True)

    def _applied(self, messages: list[dict], **how) -> str:
        try:
            return self._tokenizer.apply_chat_template([_message(m) for m in messages], tokenize=False, **how)
        except jinja2.TemplateError as err:  # some want user and assistant in turn, some know no system message
            raise Unusable("is refused by the base's chat template") from err

    def ids(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(text, add_special_tokens=False))

    def example(self, line: dict) -> Example:
        """Prompt and answer are cut into tokens apart, as they are when the model answers."""
        messages = line.get("messages")
        if line.get("tools"):
            raise Unusable("has tools")
        if not isinstance(messages, list) or len(messages) < 2 or not all(isinstance(m, dict) for m in messages):
            raise Unusable("has no conversation")
        *before, last = messages
        if last.get("role") != "assistant" or before[-1].get("role") == "assistant":
            raise Unusable("does not end with a question and its answer")
        answer = _message(last)["content"]
        if not answer:
            raise Unusable("has an empty answer")
        prompt = self.prompt(before)
        whole = self._applied(messages)
        stop = self.stop_tokens[0]
        said, found, _ = whole.removeprefix(prompt).partition(stop)
        if not whole.startswith(prompt) or not found or said != answer:
            said = answer  # a template that edits answers: teach what was said
        return Example(self.ids(prompt), self.ids(said) + self.ids(stop))


def _message(message: dict) -> dict:
    """As the server hands it to the template: text parts joined by line ends, developer is system."""
    role, content = message.get("role"), message.get("content")
    if message.get("tool_calls") or message.get("function_call") or role in ("tool", "function"):
        raise Unusable("has tool calls")
    if isinstance(content, list):
        if not all(isinstance(part, dict) and part.get("type") == "text" for part in content):
            raise Unusable("has content other than text")
        content = "\n".join(part.get("text", "") for part in content)
    if not isinstance(content, str) or not isinstance(role, str):
        raise Unusable("has a message without text")
    return {"role": "system" if role == "developer" else role, "content": content}
