"""Takes a data set in parts (Content-Range) and knows how much of it is here."""

import re
from pathlib import Path

from . import files

PART_LIMIT = 32 << 20
RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class PartError(Exception):
    def __init__(self, status: int, detail: str):
        super().__init__(detail)
        self.status = status


def parse_range(header: str | None, length: int) -> tuple[int, int]:
    """(first byte, total) of a part of so many bytes; without a header the part is the whole."""
    if header is None:
        return 0, length
    match = RANGE.fullmatch(header.strip())
    if not match:
        raise PartError(400, f"Content-Range {header!r} is not 'bytes <first>-<last>/<total>'")
    first, last, total = map(int, match.groups())
    if last < first or last >= total or last - first + 1 != length:
        raise PartError(400, f"Content-Range {header!r} does not fit a body of {length} bytes")
    return first, total


class Upload:
    """The data set of one job, in the job's folder. Not safe for use by several threads at once."""

    def __init__(self, folder: Path):
        self.path = folder / "dataset.jsonl"
        self._part = folder / "dataset.part"
        self._total = folder / "dataset.total"

    def put(self, first: int, total: int, data: bytes) -> None:
        """Adds a part. Parts come in order; one that is here already may come again."""
        if first == 0 and total != self.total():
            self.path.unlink(missing_ok=True)
            self._part.unlink(missing_ok=True)
            files.write_atomic(self._total, str(total).encode())
        if self.complete() and total == self.total():
            if first == 0:  # sent anew: what is here counts until all of the new one is
                self._part.unlink(missing_ok=True)
            elif not self._part.exists():
                return
        have = self._part.stat().st_size if self._part.exists() else 0
        if total != self.total() or first > have:
            raise PartError(409, f"the part begins at byte {first} of {total}, but {have} of {self.total()} bytes are here: go on from there")
        self._part.parent.mkdir(parents=True, exist_ok=True)
        with open(self._part, "r+b" if have else "wb") as file:
            file.seek(first)
            file.write(data)
        if first + len(data) >= total:
            self._part.replace(self.path)
            files.write_atomic(self.path.with_suffix(".sha256"), files.sha256(self.path).encode())

    def complete(self) -> bool:
        return self.path.exists()

    def total(self) -> int:
        return int(self._total.read_text()) if self._total.exists() else 0

    def received(self) -> int:
        for path in (self._part, self.path):
            if path.exists():
                return path.stat().st_size
        return 0

    def sha256(self) -> str:
        """Of the whole data set, empty until it is complete."""
        if not self.complete():
            return ""
        kept = self.path.with_suffix(".sha256")
        if not kept.exists():
            files.write_atomic(kept, files.sha256(self.path).encode())
        return kept.read_text()

    def status(self) -> dict:
        return {"received": self.received(), "total": self.total(), "sha256": self.sha256()}
