"""What a fuzzer found: one file a finding, with its traceback, and each only once.

The run goes on after a finding: libFuzzer would end at the first. Whatever ends the process all the same (a
hang, no memory left, a crash of C) is libFuzzer's own to write down, beside these.
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

_MOST = 50  # of different ones; who has as many has enough to do


@dataclass(slots=True)
class Findings:
    """Where they are written to, and those that are there."""

    folder: Path
    known: set[str] = field(default_factory=set)

    @classmethod
    def beside(cls, corpus: Path) -> "Findings":
        """Beside the corpus: `finding-…` files, which the parent counts."""
        return cls(corpus.parent)

    def catching(self, one: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """The same target, whose failures are written down."""

        def caught(data: bytes) -> None:
            try:
                one(data)
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                self.note(data, error)

        return caught

    def note(self, data: bytes, error: BaseException) -> None:
        """Write one down, unless one from the same line is known."""
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "/bridge/" in frame.filename or "/tests/" in frame.filename]
        places = " ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in ours[-2:])
        what = f"{type(error).__name__} {places}"
        if what in self.known or len(self.known) >= _MOST:
            return
        self.known.add(what)
        name = f"finding-{len(self.known):02d}"
        (self.folder / name).write_bytes(data)
        told = "".join(traceback.format_exception(error))
        (self.folder / f"{name}.txt").write_text(
            f"{what}: {error}\n{told}", encoding="utf-8", errors="replace"
        )
