"""Uses the cores: shares of a batch side by side, each on its own thread.

A step's work is split once, not inside every operator: no core waits for another a thousand times a step. On a machine that
is also busy with something else that is five times quicker, since OpenMP's threads wait by spinning.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import torch

LEAST = 2  # examples that are worth a share of their own


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Crew:
    def __init__(self, batch_size: int, count: int = 0, parallel: bool = True):
        """parallel False: one share at a time, on all cores."""
        count = count or cores()
        self.workers = max(1, min(count, batch_size // LEAST)) if parallel else 1
        each = max(1, count // self.workers)
        # The number of OpenMP threads is a setting of each thread; ours is for the optimizer's step.
        torch.set_num_threads(each)
        self._pool = ThreadPoolExecutor(self.workers, "crew", initializer=torch.set_num_threads, initargs=(each,))

    def map(self, work, shares: list) -> list:
        """work(share) for each, in order. Blocks until all are done."""
        if len(shares) == 1:
            return [work(shares[0])]
        return list(self._pool.map(work, shares))
