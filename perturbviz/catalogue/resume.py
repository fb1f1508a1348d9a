"""A file over HTTP that goes on where it was cut, by range requests; the bytes so far wait beside where it will lie."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

RETRIES = 2  # attempts after the first that bring nothing new
TIMEOUT = 60  # seconds without any answer
_CHUNK = 1 << 14  # the last, incomplete one of a cut connection is lost
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


class Resuming:
    """A downloader for pooch: what was cut goes on, on a stumbling network and at the next try.

    The first bytes are kept as ``.NAME.part`` with a note of their address and version; where the server holds another
    version by then, or knows no ranges, the file is fetched from its beginning.

    Parameters
    ----------
    path
        Where the file will lie.
    report
        Called with the bytes so far and in all.
    expected
        Bytes in all where the server does not say.
    """

    def __init__(self, path: Path, report: Callable[[int, int], object] | None, expected: int):
        self.part = path.with_name(f".{path.name}.part")
        self.report, self.expected = report, expected
        self.resumed = False

    @property
    def kept(self) -> int:
        """Bytes that wait for the next try."""
        return self.part.stat().st_size if self.part.is_file() else 0

    def __call__(self, url: str, output_file: str, pooch_: Any) -> None:
        """Fetch ``url`` into ``output_file``, whole."""
        import requests

        with self._own() as part:
            best, idle = part.stat().st_size, 0
            while True:
                try:
                    self._go_on(url, part)
                    break
                except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
                    size = part.stat().st_size
                    idle = 0 if size > best else idle + 1
                    best = max(best, size)
                    if idle > RETRIES:
                        raise
            os.replace(part, output_file)
            _note(part).unlink(missing_ok=True)

    @contextmanager
    def _own(self) -> Iterator[Path]:
        """The file of the first bytes, for this download alone; a second one at the same time has its own."""
        self.part.parent.mkdir(parents=True, exist_ok=True)
        with self.part.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                part = self.part
            except OSError:
                part = self.part.with_suffix(f".part-{os.getpid()}-{id(self)}")
                part.touch()
            try:
                yield part
            finally:
                if part.is_file() and (part != self.part or not part.stat().st_size):
                    part.unlink()
                    _note(part).unlink(missing_ok=True)

    def _go_on(self, url: str, part: Path) -> None:
        """Add what is missing to the first bytes; raises where the connection ends before the file does."""
        import requests

        have, version = part.stat().st_size, _version(part, url)
        if not version:
            have = 0
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": version}
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            if answer.status_code == 416:  # the file there is no longer than what is here: no beginning of it
                part.write_bytes(b"")
                raise requests.ConnectionError("the file has changed")
            answer.raise_for_status()
            span = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
            goes_on = answer.status_code == 206 and span is not None and int(span[1]) == have
            plain = answer.headers.get("Content-Encoding", "identity") == "identity"
            length = int(answer.headers.get("Content-Length", 0)) if plain else 0
            total = int(span[2]) if goes_on and span else length
            self.resumed |= goes_on
            have = have if goes_on else 0
            with part.open("r+b") as file:
                file.truncate(have)
                file.seek(have)
                named = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
                _note(part).write_text(json.dumps({"url": url, "version": named if plain else ""}))
                for chunk in answer.iter_content(_CHUNK):
                    file.write(chunk)
                    have += len(chunk)
                    if self.report:
                        self.report(have, total or self.expected)
        if total and have != total:
            raise requests.ConnectionError(f"{have} of {total} bytes")
        if self.report:
            self.report(have, have)


def _note(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _version(part: Path, url: str) -> str:
    """What the server called the version of which these are the first bytes; "" where that is not known."""
    with suppress(OSError, ValueError, AttributeError):
        noted = json.loads(_note(part).read_text("utf-8"))
        version = str(noted.get("version", ""))
        return version if noted.get("url") == url and not version.startswith("W/") else ""
    return ""
