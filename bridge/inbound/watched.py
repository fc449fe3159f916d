"""A payload that notices which of its keys an expression reads, and whether they were there.

For the question that a value alone can't answer: `{{ payload.tags }}` is empty both for a form without tags
and for one that says that there are none. Rule for editors: an expression sees no difference to the payload.
"""

from collections.abc import Mapping
from typing import Any


class Watched(dict[str, Any]):
    """The same object; what is read out of it is watched, too."""

    __slots__ = ("_seen",)

    def __init__(self, payload: Mapping[str, Any], seen: list[tuple[str, Any]] | None = None) -> None:
        super().__init__(payload)
        self._seen: list[tuple[str, Any]] = [] if seen is None else seen

    @property
    def seen(self) -> list[tuple[str, Any]]:
        """The keys that were there, with their values; objects on the way to them are left out."""
        return self._seen

    def __getitem__(self, key: str) -> Any:
        return self._noticed(key, super().__getitem__(key))

    def get(self, key: str, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default

    def _noticed(self, key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return Watched(value, self._seen)
        if not (isinstance(value, list) and any(isinstance(item, dict) for item in value)):
            self._seen.append((key, value))  # a list of objects is searched: what is found in it counts
        return value
