"""What the routes need from the service, as values: the app puts it on `app.state.surface`."""

from collections.abc import Callable
from dataclasses import dataclass

from bridge.config import Config
from bridge.metrics import Metrics
from bridge.store.writer import Writer
from bridge.web.refusals import Refusals


@dataclass(frozen=True, slots=True)
class Surface:
    """The service as the web sees it."""

    config: Callable[[], Config]
    writer: Writer
    clock: Callable[[], float]
    accepted: Callable[[], None]  # tells the resolver
    metrics: Metrics
    refusals: Refusals
