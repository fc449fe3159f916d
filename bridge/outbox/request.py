"""One request to be, in nouns: what compose chooses and `fusion` turns into HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bridge.model import Kind

Plan = Literal["create", "update"]


@dataclass(frozen=True, slots=True)
class Request:
    """A POST of 1 to 100 leads of one campaign and kind, or a PATCH of one lead."""

    plan: Plan
    campaign_id: str  # empty: the Default Feed
    kind: Kind | None
    # Each as Fusion takes it, without campaign_id and kind: {"phone": "+1…", "name": …, "tags": […]}.
    # A PATCH may carry None (clears the field) and []; a POST never does.
    leads: tuple[Mapping[str, Any], ...]

    @property
    def method(self) -> Literal["POST", "PATCH"]:
        """Fusion's two ways to write a lead."""
        return "POST" if self.plan == "create" else "PATCH"
