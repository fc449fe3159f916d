"""What the fuzzers begin with: the payloads of the tests, rules that people write, and the words of both."""

from pathlib import Path

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bridge.rules.bounded import MAX_LENGTH
from bridge.rules.expression import RULE_SCOPE
from bridge.rules.sandbox import LIST_METHODS, TEXT_METHODS, build_environment

ROOT = Path(__file__).parents[2]

PAYLOADS = [path.read_bytes() for path in sorted((ROOT / "tests" / "payloads").glob("*.json"))]

_HOSTILE = """\
{{ 'x' * payload.n }}
{{ [payload.items] * payload.n }}
{{ payload.n ** payload.n }}
{{ '%(a)1000d' % {'a': payload.n} }}
{{ payload.text | center(payload.n) }}
{{ payload.items | map('center', 100) | join(', ') }}
{{ payload.text | replace('a', payload.text) }}
{{ payload.items | batch(2, 'x') | map('list') | list }}
{{ payload.items | groupby('a') | list }}
{{ payload.items | sort(attribute='a', reverse=true) | unique | list }}
{{ payload.items | selectattr('a', 'eq', 'b') | map(attribute='a') | first }}
{{ payload.text | attr('__class__') }}
{{ payload.items | map('attr', '__class__') | first }}
{{ payload.text.__class__ }}
{{ payload['__class__']['__mro__'] }}
{{ (payload.text.upper | attr('__self__')) }}
{{ payload.text | urlize | striptags | wordwrap(9) | xmlattr }}
{{ payload.text | tojson(indent=2) | pprint | filesizeformat }}
{{ payload.items[1:2] }}{{ payload.text[::-1] }}
{{ {'a': [payload.text, (1, 2)], 'b': payload.n // 2 % 3} | dictsort }}
{{ payload.text.split(',')[0].strip().rpartition('a') }}
{{ payload.items is iterable and payload.n is divisibleby(3) }}
{{ payload.items | sum(start=[]) | length }}
{{ payload.date | date('%d %b %Y') }}
{{ payload.phone | phone('GB') or payload.text | digits }}
{{ contact.custom['Monthly bill'] | number > 80 and 'vip' in contact.tags }}
{{ contact.state | lookup({'CA': 'West', 'NY': 'East'}, 'Other') }}
a {{ contact.name ~ ' of ' ~ data.city }} b {{ payload.missing.a.b | default('none') }}
{{ not (1 if contact.do_not_call else 0) }}
contact.email.endswith('@example.com') and not contact.do_not_call
""".splitlines()


def _texts(node: object) -> list[str]:
    match node:
        case dict():
            return [text for each in node.values() for text in _texts(each)]
        case list():
            return [text for each in node for text in _texts(each)]
        case str() if "{{" in node or "contact" in node:
            return [node]
        case _:
            return []


_EXAMPLE = _texts(yaml.safe_load((ROOT / "config.example.yaml").read_text()))
RULES = [rule.encode() for rule in dict.fromkeys([*_EXAMPLE, *_HOSTILE])]

_ENVIRONMENT = build_environment()
_SIGNS = (
    "+ - * / // % ** ~ | . , : ( ) [ ] { } == != < > <= >= = ' \" {{ }} in not and or if else is true none"
)
_NUMBERS = f"0 1 -1 2.5 1e308 256 65536 {MAX_LENGTH} {10**9} {2**63} {10**80}"
_FIELDS = ".custom .tags .name ['a'] [0] [-1:] .__class__ ['__init__'] '%s' '%*d' '%(a)s' \\u200b \\udfff"
_NAMES = [*RULE_SCOPE, *_ENVIRONMENT.filters, *_ENVIRONMENT.tests, *TEXT_METHODS, *LIST_METHODS]
TOKENS = [word.encode() for word in (*_SIGNS.split(), *_NUMBERS.split(), *_FIELDS.split(), *sorted(_NAMES))]

# A webhook's input is what comes over the wire. A length of "@" and this signature are filled in.
PIECE = b"\xff\xfe\xff"  # where one read of the socket ends and the next begins
SIGNED = b"@SIGNED@"
TOKEN = "a-token-for-the-fuzzer-only-0123"
KEY = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
_PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
_WORDS = (
    "GET POST HEAD PUT OPTIONS HTTP/1.0 HTTP/1.1 /webhooks/ workflow app forms // /../ %2f %00 %ff ; ? # "
    "content-length: transfer-encoding: chunked gzip content-encoding: x-bridge-token: x-ghl-signature: "
    "expect: 100-continue connection: close keep-alive upgrade websocket h2c host: 0 1 -1 ffffffff @"
)
WORDS = [*(word.encode() for word in _WORDS.split()), b"\r\n", b"\r\n\r\n", b"\n", b"\r", b" ", b"\0", PIECE]
WORDS += [TOKEN.encode(), SIGNED, b"\r\nx-bridge-token: " + TOKEN.encode(), b"\r\ntransfer-encoding: chunked"]


def config_text() -> str:
    """A source of each type, two accounts, and a rule for every field."""
    forms = {
        word: f"{{{{ payload.{word} }}}}" for word in ("id", "name", "phone", "email", "tags", "country")
    }
    forms["do_not_call"] = "{{ payload.opted_out or payload.dnd }}"
    rules = {"name": ["{{ contact.name }}", "{{ contact.company }}"], "phone": "{{ contact.phone }}"}
    rules |= {"email": "{{ contact.email }}", "company": "{{ contact.company }}"}
    rules |= {"tags": ["{{ contact.tags }}", "{{ payload.source | default('none') }}"]}
    rules |= {
        "custom_fields": {"all": "{{ payload }}", "bill": "{{ contact.custom['Monthly bill'] | number }}"}
    }
    sources = {
        "workflow": {"type": "ghl_workflow", "token": TOKEN},
        "app": {"type": "ghl_app", "public_keys": [_PEM]},
        "forms": {"type": "json", "token": f"{TOKEN}-forms", "contact": forms},
    }
    sources["forms"] |= {"id": "{{ payload.id }}", "occurred_at": "{{ payload.timestamp }}"}
    accounts = {"main": {"api_key": "key-of-main"}, "other": {"api_key": "key-of-the-other"}}
    routes = [{"when": "contact.city | length > 8", "account": "other"}, {"name": "everyone"}]
    limit = {"requests": 1_000_000, "per": "1s"}
    fusion = {"base_url": "http://127.0.0.1:9", "accounts": accounts, "leads_limit": limit}
    return yaml.safe_dump({"fusion": fusion, "sources": sources, "lead": rules, "routes": routes})


def webhooks() -> list[bytes]:
    """Each payload to each source, and some in ways that senders have."""
    made = []
    for payload in PAYLOADS:
        for path, more in (
            (f"workflow/{TOKEN}", b""),
            (f"forms/{TOKEN}-forms", b""),
            ("app", b"\r\nX-GHL-Signature: " + SIGNED),
        ):
            head = f"POST /webhooks/{path} HTTP/1.1\r\nHost: a\r\nContent-Length: @".encode() + more
            made.append(head + b"\r\n\r\n" + payload)
    first, chunked = made[0], b"Transfer-Encoding: chunked"
    token = f"\r\nX-Bridge-Token: {TOKEN}\r\nContent".encode()
    made += [
        first.replace(f"/{TOKEN}".encode(), b"").replace(b"\r\nContent", token),
        first.replace(b"Content-Length: @", chunked).replace(b"\r\n\r\n{", b"\r\n\r\n1\r\n{\r\n"),
        first.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n" + PIECE),
        first.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
        first + first.replace(b"@", b"2").partition(b"\r\n\r\n")[0] + b"\r\n\r\n{}",
        first.replace(b"workflow", b"nobody"),
        first.replace(b"POST", b"GET"),
        first.replace(b"@", b"9999999"),
    ]
    return made


def rules() -> list[bytes]:
    """Each rule with a payload."""
    return [rule + b"\0" + PAYLOADS[number % len(PAYLOADS)] for number, rule in enumerate(RULES)]
