"""The names and values of a form's fields, as web frameworks spell them."""

from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.inbound.bodies import FORM, multipart, read, stored


@pytest.mark.parametrize(
    ("form", "payload"),
    [
        (
            b"form_fields[name]=Ann+Lee&form_fields[phone]=1",
            {"form_fields": {"name": "Ann Lee", "phone": "1"}, "name": "Ann Lee", "phone": "1"},
        ),
        (b"form[name]=Ann&form[phone]=1&x=", {"form": {"name": "Ann", "phone": "1"}, "x": ""}),
        (
            b"fields[phone][value]=1&fields[phone][title]=Phone&id=2",
            {"fields": {"phone": {"value": "1", "title": "Phone"}}, "id": "2"},
        ),
        (b"fields%5Bphone%5D%5Bvalue%5D=1&x=", {"fields": {"phone": {"value": "1"}}, "x": ""}),
        (b"tags[]=a&tags[]=b", {"tags": ["a", "b"]}),
        (b"tags[0]=a&tags[1]=b", {"tags": ["a", "b"]}),
        (b"tags=a&tags=b&tags=c", {"tags": ["a", "b", "c"]}),
        (b"contact[tags][]=a&x=1", {"contact": {"tags": ["a"]}, "x": "1"}),
        (b"form%5Btags%5D%5B%5D=a&form%5Btags%5D%5B%5D=b&x=", {"form": {"tags": ["a", "b"]}, "x": ""}),
        (b"i[0][q]=a&i[1][q]=b&x=", {"i": [{"q": "a"}, {"q": "b"}], "x": ""}),
        (b"contact[0]=x&contact[2]=y&x=", {"contact": {"0": "x", "2": "y"}, "x": ""}),
        (b"name=Ann&=2", {"name": "Ann", "": "2"}),  # an input that has no name
        (b"a=1&a[b]=2", {"a": "1", "a[b]": "2"}),
        (b"a[b]=1&a=2", {"a": [{"b": "1"}, "2"]}),
        (b"a[=1&b]=2", {"a[": "1", "b]": "2"}),
        (b"payload=%7B%22phone%22%3A%221%22%7D", {"payload": {"phone": "1"}, "phone": "1"}),
        (b"rawRequest=%7B%22q%22%3A%221%22%7D&formID=7", {"rawRequest": {"q": "1"}, "formID": "7"}),
        (b"raw=%7B%220%22%3A1%7D&x=1", {"raw": {"0": 1}, "x": "1"}),
        (b"list=[1,2]&x=1", {"list": [1, 2], "x": "1"}),
        (b"note=%7Bsmile&x=[1", {"note": "{smile", "x": "[1"}),
        (b"note=%5Bcall+me%5D&x=1", {"note": "[call me]", "x": "1"}),
        (b"name=Zo%C3%AB&city=K%F6ln", {"name": "Zoë", "city": "Köln"}),
        (b"name=Jos\xc3\xa9&x=", {"name": "José", "x": ""}),
        (b"Monthly+bill=%24120&x", {"Monthly bill": "$120", "x": ""}),
        (
            b"note=a%3Db%26c&url=https://example.com/?x=1",
            {"note": "a=b&c", "url": "https://example.com/?x=1"},
        ),
    ],
)
def test_names_and_values(form, payload):
    assert read(form, FORM) == payload


def test_json_that_is_too_deep_stays_text():
    deep = "[" * 100 + "1" + "]" * 100
    assert read(f"a={deep}&b=1".encode(), FORM) == {"a": deep, "b": "1"}


def test_an_uploaded_file_is_named_and_not_kept():
    body = multipart(
        ('name="name"', "Ann"),
        ('name="cv"; filename="cv.pdf"\r\nContent-Type: application/pdf', "%PDF secret"),
        ('name="raw"', '{"q3": {"first": "Ann"}}'),
    )
    payload, kept = stored(body, "multipart/form-data; boundary=b")
    assert payload == {"name": "Ann", "cv": "cv.pdf", "raw": {"q3": {"first": "Ann"}}}
    assert b"secret" not in kept


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text("abcdef", min_size=1), st.text(st.characters(exclude_categories=["Cs"])), min_size=2
    )
)
def test_a_form_is_what_was_put_into_it(fields):
    texts = {name: "x" + text for name, text in fields.items()}
    assert read(urlencode(texts).encode(), FORM) == texts
