"""Which fields a refusal names, in every shape in which validators say it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.fusion.blame import OPTIONAL, dispensable


@pytest.mark.parametrize(
    ("answer", "fields"),
    [
        ({"details": ["email: Invalid email"]}, {"email"}),
        ({"details": "email: Invalid email"}, {"email"}),
        ({"details": ["email: Invalid email", "tags: At most 20"]}, {"email", "tags"}),
        ({"details": ["company: the name is too long"]}, {"company"}),
        ({"details": ["tags.0: Must match"]}, {"tags"}),
        ({"details": ["custom_fields.bill: Too long"]}, {"custom_fields"}),
        ({"details": [{"index": 0, "errors": ["email: Invalid email"]}]}, {"email"}),
        ({"details": [{"path": ["email"], "message": "Invalid email", "code": "invalid_string"}]}, {"email"}),
        ({"details": [{"path": ["tags", 3], "message": "Invalid"}]}, {"tags"}),
        ({"details": [{"path": "/email", "message": "Invalid"}]}, {"email"}),
        ({"details": [{"field": "email", "message": "Invalid"}]}, {"email"}),
        ({"details": [{"param": "company", "msg": "too long"}]}, {"company"}),
        ({"details": {"email": ["Invalid email"]}}, {"email"}),
        ({"details": {"fieldErrors": {"email": ["Invalid email"]}, "formErrors": []}}, {"email"}),
        ({"errors": [{"path": ["email"], "message": "Invalid"}]}, {"email"}),
        ({"error": "Invalid email"}, {"email"}),
        ({"error": "Validation failed", "message": "email must be valid"}, {"email"}),
        ({"error": "Tags must match ^[a-zA-Z0-9_-]{1,50}$"}, {"tags"}),
    ],
)
def test_a_refusal_of_what_a_lead_can_do_without(answer, fields):
    assert dispensable(answer, leads=1) == {0: fields}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "Invalid email",
        {},
        {"error": "Validation failed"},
        {"details": ["name: Required"]},
        {"details": ["phone: Invalid", "email: Invalid email"]},
        {"details": ["email: Invalid email", "something else"]},
        {"details": ["campaign_id: Invalid uuid"]},
        {"details": [{"path": ["phone"], "message": "Invalid"}, {"path": ["email"], "message": "Invalid"}]},
        {"details": [{"path": [], "message": "Invalid"}]},
        {"details": {"fieldErrors": {"email": ["Invalid"]}, "formErrors": ["kind does not match"]}},
        {"details": {"email": ["Invalid"], "plan": ["expired"]}},
        {"details": [None]},
        {"error": "phone or email is invalid"},
        {"error": "A lead with this name has that email"},
    ],
)
def test_a_refusal_of_more_or_of_nothing_we_know_spares_nothing(answer):
    assert dispensable(answer, leads=1) == {}


def test_each_lead_of_a_batch_has_its_own():
    entries = [
        {"index": 0, "errors": ["email: Invalid email"]},
        {"index": 2, "errors": ["phone: Invalid", "email: Invalid email"]},
        {"index": 3, "errors": [{"path": ["tags", 0], "message": "Invalid"}]},
    ]
    assert dispensable({"details": entries}, leads=4) == {0: {"email"}, 3: {"tags"}}
    zod = [{"path": ["leads", 1, "email"], "message": "Invalid email"}]
    assert dispensable({"details": zod}, leads=4) == {1: {"email"}}


def test_a_batch_without_an_index_blames_nobody():
    assert dispensable({"error": "Invalid email"}, leads=2) == {}
    assert dispensable({"details": ["email: Invalid email"]}, leads=2) == {}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from(["email", "email: bad", "details"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["details", "error", "index", "path", "email", "message", "fieldErrors"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_no_answer_raises(answer):
    assert all(fields <= OPTIONAL for fields in dispensable(answer, leads=3).values())
