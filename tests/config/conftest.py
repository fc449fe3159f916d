from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.config import Config, load
from bridge.errors import ConfigError, Problem

MINIMAL = """\
fusion:
  accounts:
    main: {api_key: key-1}
sources:
  workflow: {type: ghl_workflow, token: token-1-of-the-tests-only}
"""


@pytest.fixture
def minimal() -> str:
    """The shortest configuration that is right; what a test appends begins on line 6."""
    return MINIMAL


@pytest.fixture
def load_text(tmp_path: Path) -> Callable[..., Config]:
    def write_and_load(text: str, **environ: str) -> Config:
        path = tmp_path / "config.yaml"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        return load(path, environ)

    return write_and_load


@pytest.fixture
def problems_of(load_text: Callable[..., Config]) -> Callable[..., tuple[Problem, ...]]:
    def write_and_fail(text: str, **environ: str) -> tuple[Problem, ...]:
        with pytest.raises(ConfigError) as caught:
            load_text(text, **environ)
        return caught.value.problems

    return write_and_fail
