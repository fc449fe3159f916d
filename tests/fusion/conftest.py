"""What the tests of the Fusion API share."""

import pytest

from bridge.outbox.request import Request

CAMPAIGN = "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55"


class Clock:
    """Time that stands still until told."""

    def __init__(self) -> None:
        self.now = 1_780_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def create_one() -> Request:
    return Request("create", "", None, ({"phone": "+14155550101", "name": "Ann Lee"},))


@pytest.fixture
def create_two() -> Request:
    leads = ({"phone": "+14155550101", "name": "Ann Lee"}, {"phone": "+14155550102", "name": "Bob Ray"})
    return Request("create", CAMPAIGN, "call", leads)


@pytest.fixture
def update() -> Request:
    return Request("update", "", None, ({"phone": "+14155550101", "name": "Ann Lee-Ray"},))
