"""A contact's fields under keys that are nearly GHL's: "Phone", "phone_number", "Email Address".

Read only where the right key gives nothing, and with a warning, because the key may mean something else. Rule
for editors: a key is near when people would call exactly this field so; another phone of the contact is none.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bridge.inbound import keys, values
from bridge.model import Contact

Layers = Sequence[Mapping[str, Any]]

# Squeezed, the nearest first.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "phone": (
        *("phone", "phonenumber", "contactphone", "contactphonenumber", "phoneno", "phonenum", "phones"),
        *("phonenumbers", "mobile", "mobilephone", "mobilenumber", "mobileno", "cell", "cellphone"),
        *("cellnumber", "telephone", "telephonenumber", "tel", "tonumber", "customerphone", "leadphone"),
        *("primaryphone", "yourphone", "yourphonenumber", "bestphone", "callerid", "callernumber", "handy"),
        *("telefon", "telefono", "telefone", "fullphone", "phone1", "homephone", "workphone"),
    ),
    "email": (
        *("email", "emailaddress", "contactemail", "emails", "mail", "customeremail", "leademail"),
        *("youremail", "youremailaddress", "primaryemail", "email1", "workemail"),
    ),
    "first_name": ("firstname", "givenname", "forename", "vorname", "fname"),
    "last_name": ("lastname", "surname", "familyname", "nachname", "lname"),
    "name": ("fullname", "name", "contactname", "yourname", "customername", "leadname"),
    "company": ("company", "companyname", "businessname", "organization", "organisation"),
    "country": ("country", "countrycode", "countryname"),
}
TOLD = ("phone", "email")
_RANKS: Mapping[str, tuple[str, int] | tuple[()]] = {
    name: (field, rank) for field, names in FIELDS.items() for rank, name in enumerate(names)
}
_NEAR: keys.Known[tuple[str, int] | tuple[()]] = keys.Known(lambda key: _RANKS.get(keys.squeeze(key), ()), ())
# Not a near name, but a phone may be there: a warning, and no number to dial.
_MAYBE = frozenset({"phone", "phones", "mobile", "cell", "telephone", "tel", "whatsapp", "handy"})
_DIGITS_OF_A_PHONE = 7
_LEVELS, _KEYS = 3, 200  # of a payload that is looked through
_SHOWN = 40
_DOUBTS = 5  # they go with the event


def said(layers: Layers, field: str) -> str:
    """What the nearest key says of the field."""
    return next((text for _, text in _said(layers, field)), "")


def reach(layers: Layers) -> bool:
    """Whether a phone or an e-mail address is there, under any near key."""
    return any(said(layers, field) for field in TOLD)


def reaches(key: str) -> bool:
    """Whether a key is a phone's or an e-mail address's, or nearly."""
    return _NEAR[key][:1] in (("phone",), ("email",))


def doubts(layers: Layers, read: Contact, exact: Mapping[str, str]) -> list[str]:
    """Which fields were read under a near key, and where a phone may be that wasn't."""
    found = []
    for field in TOLD:
        if not exact[field]:
            found += [f"{field}: read from the key {key!r}" for key, _ in list(_said(layers, field))[:1]]
    if not read.phone:
        found += [
            f"phone: nothing is under that key; {key[:_SHOWN]!r} may be it: send it as `phone`"
            for layer in layers
            for key, value in layer.items()
            if _may_be_a_phone(key) and _like_a_phone(value)
        ]
    return found[:_DOUBTS]


def unmapped_phones(payload: Mapping[str, Any]) -> Iterator[str]:
    """Where a phone may be in a payload whose mapping gives none: "phone_number", "contact.phone"."""
    level: list[tuple[str, Mapping[str, Any]]] = [("", payload)]
    for _ in range(_LEVELS):
        deeper = []
        for path, layer in level:
            for key, value in list(layer.items())[:_KEYS]:
                if isinstance(value, Mapping) and not _may_be_a_phone(key):
                    deeper.append((f"{path}{key[:_SHOWN]}.", value))
                elif _may_be_a_phone(key) and _like_a_phone(value):
                    yield f"{path}{key[:_SHOWN]}"
        level = deeper[:_KEYS]


def _may_be_a_phone(key: str) -> bool:
    key = key[:200]
    return not _MAYBE.isdisjoint(f"{keys.words(key)} {keys.words(key.lower())}".split())


def _said(layers: Layers, field: str) -> Iterator[tuple[str, str]]:
    near = _NEAR
    found = [
        (rank, at, key, layer[key])
        for at, layer in enumerate(layers)
        for key in layer
        if (known := near[key]) and known[0] == field
        for rank in known[1:]
    ]
    for _, _, key, value in sorted(found, key=lambda each: each[:2]):
        if text := values.text(value):
            yield key, text


def _like_a_phone(value: Any) -> bool:
    return sum(map(str.isdigit, values.text(value))) >= _DIGITS_OF_A_PHONE
