"""How many tokens fit at once: fixed on the CPU, measured on a GPU, less after an out-of-memory."""

import logging

import torch

from .batches import TOKENS
from .errors import TrainingError
from .render import Example

SHARE = 0.8  # of what is free: the allocator's holes, and batches of another shape

log = logging.getLogger("understudy_agent")


class Budget:
    def __init__(self, model, examples: list[Example], batch_size: int):
        """examples are all that will be trained on; the longest of them, a batch together, must fit in parts."""
        self._model = model
        self.tokens = TOKENS
        if model.device.type != "cuda":
            return
        longest = sorted(examples, key=len)[-batch_size:]
        self.tokens = self._measured(longest)
        if self.tokens < model.size(longest) and model.save_memory():
            self.tokens = self._measured(longest)
        log.info("the card takes %d tokens at once, a batch has at most %d", self.tokens, model.size(longest))

    def shrink(self, part: list[Example]) -> None:
        """After an out-of-memory with a part of a batch."""
        torch.cuda.empty_cache()
        if self._model.save_memory():
            return
        if len(part) <= 1 and self.tokens <= len(part[0]):
            raise TrainingError("one example alone does not fit in the GPU's memory: choose a smaller maxSequenceTokens, a smaller base or a larger GPU")
        self.tokens = max(len(part[0]), min(self.tokens, self._model.size(part)) // 2)
        log.warning("out of memory: from here on %d tokens at once", self.tokens)

    def _measured(self, longest: list[Example]) -> int:
        """Tokens for which the free memory is enough, by what some of them take."""
        device, probe = self._model.device, longest[-2:]
        for attempt in (probe, probe[-1:]):
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)
            before = torch.cuda.memory_allocated(device)
            try:
                torch.autograd.grad(self._model.loss(attempt), self._model.parameters())
            except torch.OutOfMemoryError:
                continue
            each = (torch.cuda.max_memory_allocated(device) - before) / self._model.size(attempt)
            torch.cuda.empty_cache()
            return max(len(attempt[-1]), int(SHARE * torch.cuda.mem_get_info(device)[0] / each))
        return len(probe[-1])
