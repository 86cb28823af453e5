"""Ends the pod and the agent when nobody has talked to it for a time, or when its deadline has passed: a pod that nobody ends bills for ever."""

import json
import logging
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field

TRIES = 5
FIRST_WAIT = 1.0  # seconds, doubled after each try
USER_AGENT = "understudy-agent"

log = logging.getLogger("understudy_agent")


@dataclass(frozen=True)
class Pod:
    """The RunPod pod that this agent runs in."""

    url: str  # base of the API
    id: str
    key: str = field(repr=False)  # RunPod's own for this pod; whether it may end its pod is not certain, so the agent exits as well

    def terminate(self, wait: Callable[[float], object] = time.sleep) -> bool:
        """Asks RunPod to end the pod. Says so and gives up after a few tries; blocks for at most about two minutes."""
        request = urllib.request.Request(
            f"{self.url}/pods/{self.id}", method="DELETE", headers={"Authorization": f"Bearer {self.key}", "User-Agent": USER_AGENT}
        )
        for attempt in range(TRIES):
            try:
                with urllib.request.urlopen(request, timeout=15):
                    log.info("the pod ends: id=%s", self.id)
                    return True
            except urllib.error.HTTPError as err:
                with err:
                    if err.code in (404, 410):
                        log.info("the pod is gone already: id=%s", self.id)
                        return True
                    log.error("the pod could not be ended: id=%s status=%d detail=%s", self.id, err.code, _detail(err))
                    if err.code < 500 and err.code not in (408, 429):
                        return False
            except OSError as err:
                log.error("the pod could not be ended: id=%s error=%s", self.id, err)
            if attempt + 1 < TRIES:
                wait(FIRST_WAIT * 2**attempt)
        return False


def _detail(err) -> str:
    try:
        return str(json.loads(err.read(4096)).get("detail", ""))[:200]
    except (ValueError, AttributeError, OSError):
        return ""


class Ending:
    """Watches the time. touch() is called by every request that shows the token."""

    def __init__(self, contact_timeout: float, deadline: float, end: Callable[[str], object]):
        """contact_timeout in seconds, deadline in Unix seconds, 0 for none; end(why) is called once, in a thread of its own."""
        self._contact_timeout, self._deadline, self._end = contact_timeout, deadline, end
        self._touched = time.monotonic()
        self._stopped = threading.Event()
        if contact_timeout or deadline:
            threading.Thread(target=self._watch, name="ending", daemon=True).start()

    def touch(self) -> None:
        self._touched = time.monotonic()

    def stop(self) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        while (left := self._left()) > 0:
            # Not for long at once: the wall clock may be set, and the contact moves.
            if self._stopped.wait(min(left, 5.0)):
                return
        self._end(self._why())

    def _left(self) -> float:
        lefts = []
        if self._contact_timeout:
            lefts.append(self._touched + self._contact_timeout - time.monotonic())
        if self._deadline:
            lefts.append(self._deadline - time.time())
        return min(lefts)

    def _why(self) -> str:
        if self._deadline and time.time() >= self._deadline:
            return "the deadline has passed"
        return f"nobody has asked for {self._contact_timeout:g} s"
