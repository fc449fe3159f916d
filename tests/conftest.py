import logging

import pytest
import structlog


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(autouse=True)
def _fresh_logging():
    """A command that set up logging wrote to a stdout that is gone after its test."""
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = []
