import logging
import os

import pytest
import structlog

os.environ.pop("COLUMNS", None)  # tables are as wide as off a terminal, wherever the tests run


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(autouse=True)
def _fresh_logging():
    """A command that set up logging wrote to a stdout that is gone after its test."""
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = []
