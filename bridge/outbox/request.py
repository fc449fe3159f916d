"""One request to be, in nouns: what compose chooses and `fusion` turns into HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bridge.model import Kind

Plan = Literal["create", "update", "look"]


@dataclass(frozen=True, slots=True)
class Request:
    """A POST of 1 to 100 leads of one campaign and kind, a PATCH of one lead, or a look-up of one by phone.

    A look-up asks whether a batch that got no answer was carried out: batches are atomic, so one of its
    leads tells for all.
    """

    plan: Plan
    campaign_id: str  # empty: the Default Feed
    kind: Kind | None
    # Each as Fusion takes it, without campaign_id and kind: {"phone": "+1…", "name": …, "tags": […]}.
    # A PATCH may carry None (clears the field) and []; a POST never does.
    leads: tuple[Mapping[str, Any], ...]
    since: float = 0.0  # of a look-up: when the batch in doubt left (Unix seconds by our clock)

    @property
    def method(self) -> Literal["POST", "PATCH", "GET"]:
        """Fusion's ways to write and to find a lead."""
        return METHODS[self.plan]


METHODS: Mapping[Plan, Literal["POST", "PATCH", "GET"]] = {"create": "POST", "update": "PATCH", "look": "GET"}
