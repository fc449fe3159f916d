"""Whatever stands in the file: a Config or a ConfigError, and never a secret in the latter."""

from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.config import Config, load
from bridge.config.schema import SOURCE_TYPES, ContactKeys, FileKeys, LeadKeys, RouteKeys
from bridge.errors import ConfigError

QUIET = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
EXAMPLE = (Path(__file__).parents[2] / "config.example.yaml").read_text()
ENVIRON = {
    "FUSION_API_KEY": "secret-key",
    "WORKFLOW_TOKEN": "secret-w",
    "FORMS_TOKEN": "secret-f",
    "A": "secret-a",
}


def outcome(data: bytes) -> Config | ConfigError:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_bytes(data)
        try:
            return load(path, ENVIRON)
        except ConfigError as error:
            found = error
    assert found.problems
    for problem in found.problems:
        assert problem.message
        assert problem.fix
        assert "\n" not in f"{problem.path}{problem.message}{problem.fix}"
    return found


@given(st.binary(max_size=200))
@QUIET
def test_any_bytes(data):
    assert isinstance(outcome(data), Config | ConfigError)


@given(
    st.text(alphabet=st.sampled_from("ab:-,?&*!|>'\"%@`{}[]#<$~ \n\t\\xU0=./") | st.characters(codec="utf-8"))
)
@QUIET
def test_any_text(text):
    assert isinstance(outcome(text.encode()), Config | ConfigError)


@given(st.integers(0, len(EXAMPLE)), st.integers(0, 40), st.text(max_size=6))
@QUIET
def test_any_slip_in_the_example(at, removed, added):
    found = outcome((EXAMPLE[:at] + added + EXAMPLE[at + removed :]).encode("utf-8", "replace"))

    if isinstance(found, ConfigError):
        assert "secret-" not in repr(found.problems)
    else:
        assert not any(secret in repr(found) for secret in found.secrets if secret.startswith("secret-"))


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(
        [
            "${A}",
            "${B}",
            "x${A}y",
            "{{ payload.a }}",
            "{{ contact.tags }}",
            "{{",
            "json",
            "ghl_app",
            "main",
            "5s",
            "$${",
            "sms",
        ]
    )
)
NAMES = st.sampled_from(
    sorted(
        {"main", "forms", "x"}.union(
            *(
                model.model_fields
                for model in (FileKeys, LeadKeys, RouteKeys, ContactKeys, *SOURCE_TYPES.values())
            ),
            {
                "accounts",
                "api_key",
                "leads_limit",
                "per",
                "requests",
                "base_url",
                "port",
                "host",
                "public_url",
            },
        )
    )
) | st.text(max_size=4)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4)
)


@given(st.dictionaries(st.sampled_from(sorted(FileKeys.model_fields)), ANYTHING, max_size=8) | ANYTHING)
@QUIET
def test_any_structure(data):
    found = outcome(yaml.safe_dump(data, allow_unicode=True).encode("utf-8", "surrogatepass"))

    if isinstance(found, ConfigError):
        assert "secret-" not in repr(found.problems)


@given(st.data())
@QUIET
def test_any_value_in_any_place_of_the_example(data):
    whole = yaml.safe_load(EXAMPLE)
    holder, key = whole, data.draw(st.sampled_from(sorted(whole)))
    while isinstance(holder[key], dict | list) and data.draw(st.booleans()):
        inner = holder[key]
        steps = sorted(inner) if isinstance(inner, dict) else list(range(len(inner)))
        holder, key = inner, data.draw(st.sampled_from(steps))
    holder[key] = data.draw(ANYTHING)

    found = outcome(yaml.safe_dump(whole).encode())

    if isinstance(found, ConfigError):
        assert "secret-" not in repr(found.problems)
