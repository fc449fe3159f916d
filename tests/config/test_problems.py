"""Each kind of mistake: the exact place, line, message and fix. The minimal file ends on line 5."""

import pytest

from bridge.errors import Problem

NAME = "begin with a-z or 0-9, and use a-z, 0-9, - and _"
SHOWN = "config.example.yaml shows how"
MAPPING = f"write key: value lines below it; {SHOWN}"
BLANK = "give it a value, or remove the line"
TIME = "write for example 500ms, 60s, 15m, 72h or 30d"
HTTPS = "write https://; http:// is for this machine and private networks"
REGION = "write the two letters of the country: US, GB, DE"
UUID = "copy the UUID from the campaign's address in Fusion; a name of campaigns: goes behind campaign:"
RULE = 'write "{{ contact.name }}", or one - "…" a line'
SECTIONS = (
    "server, database, default_region, fusion, sources, campaigns, locations, lead, routes, "
    "do_not_call, on_delete, on_phone_change, retry, retention"
)
TYPES = "ghl_workflow, ghl_app, json"

# What is added to the minimal file → path, message, fix; all on line 6 unless the text begins on another.
ADDED = {
    # keys
    "source: 1": ("source", "unknown key 'source'", "did you mean `sources`?"),
    "dashboard: {}": (
        "dashboard",
        "unknown key 'dashboard'",
        f"known here: {SECTIONS}",
    ),
    "server: {prot: 1}": ("server.prot", "unknown key 'prot'", "did you mean `port`?"),
    "routes: [{whn: 'true'}]": ("routes[0].whn", "unknown key 'whn'", "did you mean `when`?"),
    "routes: [{lead: {tag: a}}]": ("routes[0].lead.tag", "unknown key 'tag'", "did you mean `tags`?"),
    "lead: {custom: {}}": ("lead.custom", "unknown key 'custom'", "did you mean `custom_fields`?"),
    # shapes
    "server: 8080": ("server", "must be keys with values", MAPPING),
    "server: [a]": ("server", "must be keys with values", MAPPING),
    "routes: {when: a}": ("routes", "must be a list", "write [a, b], or one `- …` a line"),
    "routes: [solar]": ("routes[0]", "must be keys with values", MAPPING),
    "database: [a]": ("database", "must be text", "write one text, in quotes if it has : # { or ["),
    "database: ''": ("database", "is empty", BLANK),
    "database:": ("database", "is empty", BLANK),
    "server: {port: }": ("server.port", "is empty", BLANK),
    "routes: [{when: }]": ("routes[0].when", "is empty", BLANK),
    "routes: [{when: ''}]": ("routes[0].when", "is empty", BLANK),
    "lead: {tags: [a, ~]}": ("lead.tags[1]", "is empty", BLANK),
    "lead: {name: {a: b}}": ("lead.name", "must be text, or a list of texts", RULE),
    "lead: {tags: [[a]]}": ("lead.tags", "must be text, or a list of texts", RULE),
    "lead: {tags_as_is: maybe}": ("lead.tags_as_is", "must be true or false", "write true or false"),
    "routes: [{kind: fax}]": ("routes[0].kind", "must be call or sms", "write call or sms"),
    # values
    "server: {port: eighty}": ("server.port", "must be a whole number", "write digits only"),
    "server: {port: 70000}": ("server.port", "must be at most 65535", "write 65535 or less"),
    "server: {port: -1}": ("server.port", "must be at least 0", "write 0 or more"),
    f"server: {{port: {'9' * 5000}}}": ("server.port", "must be a whole number", "write digits only"),
    "server: {host: 'http://x'}": (
        "server.host",
        "'http://x' is not a host",
        "write 0.0.0.0, 127.0.0.1 or a name",
    ),
    "server: {host: 300.1.1.1}": (
        "server.host",
        "'300.1.1.1' is not a host",
        "write 0.0.0.0, 127.0.0.1 or a name",
    ),
    "server: {public_url: 'https://1.2.3'}": (
        "server.public_url",
        "'https://1.2.3' is not an address",
        "write https:// and the host's name",
    ),
    "lead: {name: contact.name}": (
        "lead.name",
        "'contact.name' is taken as plain text",
        'write "{{ contact.name }}"',
    ),
    "default_region: XX": ("default_region", "'XX' is not a region", REGION),
    "default_region: uk": ("default_region", "'uk' is not a region", "did you mean `GB`?"),
    "locations: {L1: {timezone: Eastern}}": (
        "locations.L1.timezone",
        "'Eastern' is not a time zone",
        "write a name as in America/New_York or Europe/Berlin",
    ),
    "retry: {max_attempts: 0}": ("retry.max_attempts", "must be at least 1", "write 1 or more"),
    "retry: {first_delay: soon}": ("retry.first_delay", "'soon' is not a time", TIME),
    "retry: {first_delay: 5}": ("retry.first_delay", "has no unit", "write 5s, 5m or 5h"),
    "retry: {first_delay: -5s}": ("retry.first_delay", "'-5s' is not a time", TIME),
    "retry: {first_delay: [5s]}": (
        "retry.first_delay",
        "must be a time",
        "write for example 60s, 15m or 72h",
    ),
    "retry: {first_delay: 0s}": (
        "retry.first_delay",
        "must be longer than 0 and at most ten years",
        "write for example 60s, 15m or 72h",
    ),
    "retry: {first_delay: 1h}": (
        "retry.first_delay",
        "is longer than max_delay",
        "make first_delay the shorter one",
    ),
    "retention: {payloads: 23h}": ("retention.payloads", "must be at least 1d", "write for example 30d"),
    "retention: {payloads: 91d}": (
        "retention.payloads",
        "is longer than events",
        "make payloads the shorter one, or events longer",
    ),
    "retention: {event: 90d}": ("retention.event", "unknown key 'event'", "did you mean `events`?"),
    "on_delete: {tag: a b}": (
        "on_delete.tag",
        "'a b' is not a tag Fusion takes",
        "use 1 to 50 letters, digits, - and _",
    ),
    f"on_delete: {{tag: {'a' * 51}}}": (
        "on_delete.tag",
        f"'{'a' * 40}'… is not a tag Fusion takes",
        "use 1 to 50 letters, digits, - and _",
    ),
    # routes
    "routes: [{}, {skip: x}]": (
        "routes[1]",
        "is never reached: routes[0] takes everybody",
        "move it above routes[0], or give that one a when:",
    ),
    "routes: [{when: '1 > 2'}, {when: 'True'}, {when: '1 > 2'}]": (
        "routes[2]",
        "is never reached: routes[1] takes everybody",
        "move it above routes[1], or give that one a when:",
    ),
    "routes: [{whn: '1 > 2'}, {}]": ("routes[0].whn", "unknown key 'whn'", "did you mean `when`?"),
    "routes: [{when: ''}, {}]": ("routes[0].when", "is empty", BLANK),
    "routes: [{account: mian}]": (
        "routes[0].account",
        "'mian' is not an account of fusion.accounts",
        "did you mean `main`?",
    ),
    "routes: [{account: other}]": (
        "routes[0].account",
        "'other' is not an account of fusion.accounts",
        "known here: main",
    ),
    "routes: [{campaign_id: solar}]": (
        "routes[0].campaign_id",
        "'solar' is not a campaign id",
        UUID,
    ),
    "routes: [{kind: sms}]": (
        "routes[0].kind",
        "sms needs a campaign",
        "add campaign: with the SMS campaign's name, or campaign_id:, or write kind: call",
    ),
    "routes: [{kind: sms, campaign_id: 12}]": (
        "routes[0].campaign_id",
        "'12' is not a campaign id",
        UUID,
    ),
    # sources, which the minimal file ends with
    "  forms: {token: a}": ("sources.forms.type", "is missing", f"add type: with one of {TYPES}"),
    "  forms: {tpye: json}": ("sources.forms.tpye", "unknown key 'tpye'", "did you mean `type`?"),
    "  ghl: {type: json, token: token-g-of-the-tests-only, contact: {name: a}}": (
        "sources.ghl",
        "is a name that GoHighLevel's contacts have: this source's would be taken for them",
        "choose another name",
    ),
    "  b: {type: json, token: token-b-of-the-tests-only, contact: {name: payload.name}}": (
        "sources.b.contact.name",
        "'payload.name' is taken as plain text",
        'write "{{ payload.name }}"',
    ),
    "  b: {type: json, token: token-b-of-the-tests-only, contact: {tags: ['payload[0]']}}": (
        "sources.b.contact.tags",
        "'payload[0]' is taken as plain text",
        'write "{{ payload[0] }}"',
    ),
    "  b: {type: ghl_workflow, token: $WORKFLOW_TOKEN}": (
        "sources.b.token",
        "looks like a variable that isn't filled in",
        'write "${WORKFLOW_TOKEN}", and set that variable',
    ),
    "  forms: {type: jsn}": (
        "sources.forms.type",
        "unknown type 'jsn'",
        f"did you mean `json`? Known types: {TYPES}",
    ),
    "  forms: {type: fulcrum}": ("sources.forms.type", "unknown type 'fulcrum'", f"known types: {TYPES}"),
    "  forms: {type: [json]}": ("sources.forms.type", "must be text", f"write one of {TYPES}"),
    "  forms: {type: }": ("sources.forms.type", "is empty", BLANK),
    "  forms: json": (
        "sources.forms",
        "must be keys with values",
        f"write type: and the keys of that type below it; types: {TYPES}",
    ),
    "  forms:": ("sources.forms", "is empty", BLANK),
    "  Forms: {type: ghl_app}": ("sources.Forms", "is not a name that fits into a URL", NAME),
    "  -a: {type: ghl_app}": ("sources.-a", "is not a name that fits into a URL", NAME),
    "  app: {type: ghl_app, token: a}": (
        "sources.app.token",
        "unknown key 'token'",
        "known here: type, public_keys, app_id, locations, default_region",
    ),
    "  app: {type: ghl_app, locations: a}": (
        "sources.app.locations",
        "must be a list",
        "write [a, b], or one `- …` a line",
    ),
    "  app: {type: ghl_app, default_region: XX}": (
        "sources.app.default_region",
        "'XX' is not a region",
        REGION,
    ),
    "  app: {type: ghl_app, public_keys: [none.pem]}": (
        "sources.app.public_keys[0]",
        "the key's file can't be read",
        "correct the path, or paste the PEM itself",
    ),
    "  app: {type: ghl_app, public_keys: ['-----BEGIN x']}": (
        "sources.app.public_keys[0]",
        'not a public key in PEM form (it begins with "-----BEGIN PUBLIC KEY-----")',
        "copy the key from GHL's webhook documentation",
    ),
    "  app: {type: ghl_app, public_keys: [[a]]}": (
        "sources.app.public_keys[0]",
        "must be text",
        "write a PEM, or the path of a file that holds one",
    ),
    "  b: {type: json, token: token-b-of-the-tests-only, contact: {name: [a]}}": (
        "sources.b.contact.name",
        "must be text",
        'write "{{ payload.name }}", in quotes',
    ),
    "  b: {type: ghl_workflow}": (
        "sources.b.token",
        "is missing",
        "add token: with a long random text; `bridge init` makes one",
    ),
    "  b: {type: ghl_workflow, token: ''}": (
        "sources.b.token",
        "is empty",
        "add token: with a long random text; `bridge init` makes one",
    ),
    "  b: {type: ghl_workflow, token: a/b}": (
        "sources.b.token",
        "has a character that doesn't fit into a URL",
        "use letters, digits, - and _",
    ),
    "  b: {type: ghl_workflow, token: token-1-of-the-tests-only}": (
        "sources.b.token",
        "is the same as sources.workflow.token",
        "give each source a token of its own",
    ),
    "  b: {type: ghl_workflow, token: short}": (
        "sources.b.token",
        "is too easy to guess: a token has 24 random characters or more",
        "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'",
    ),
    "  b: {type: ghl_workflow, token: changemechangemechangeme}": (
        "sources.b.token",
        "is too easy to guess: a token has 24 random characters or more",
        "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'",
    ),
    "  b: {type: json, token: token-b-of-the-tests-only}": (
        "sources.b.contact",
        "is missing",
        'add contact: with at least phone: "{{ payload.… }}"',
    ),
    "  b: {type: json, token: token-b-of-the-tests-only, contact: {fone: a}}": (
        "sources.b.contact.fone",
        "unknown key 'fone'",
        "did you mean `phone`?",
    ),
    "  b: {type: json, token: token-b-of-the-tests-only, contact: {phone: payload.phone}}": (
        "sources.b.contact.phone",
        "would be the same for every event",
        'write "{{ payload.… }}", with the name of the field',
    ),
}


@pytest.mark.parametrize("text", ADDED)
def test_one_mistake(problems_of, minimal, text):
    path, message, fix = ADDED[text]

    assert problems_of(f"{minimal}{text}\n") == (Problem(path, message, fix, 6),)


FUSION = {
    "fusion: {accounts: {}}": (
        "fusion.accounts",
        "needs at least one entry",
        SHOWN,
    ),
    "fusion: {}": ("fusion.accounts", "is missing", "add accounts: with a name and its api_key"),
    "fusion:": ("fusion", "is empty", "add fusion: with accounts: and an api_key"),
    "fusion: {accounts: {main: {}}}": (
        "fusion.accounts.main.api_key",
        "is missing",
        'add api_key: "${FUSION_API_KEY}", and set that variable',
    ),
    "fusion: {accounts: {main: sk-secret}}": ("fusion.accounts.main", "must be keys with values", MAPPING),
    "fusion: {accounts: {main: {api_key: 'a b'}}}": (
        "fusion.accounts.main.api_key",
        "has a space or a character that no key has",
        "copy it again, without spaces around it",
    ),
    "fusion: {accounts: {a: {api_key: k}, b: {api_key: k}}}": (
        "fusion.accounts.b.api_key",
        "is the same as fusion.accounts.a.api_key",
        "give each account its own key, or use one account for both",
    ),
    "fusion: {accounts: {a: {api_key: k}}, leads_limit: {per: 500ms}}": (
        "fusion.leads_limit.per",
        "must be at least 1s",
        "write 60s, as Fusion counts",
    ),
    "fusion: {accounts: {a: {api_key: k}}, leads_limit: {requests: 0}}": (
        "fusion.leads_limit.requests",
        "must be at least 1",
        "write 1 or more",
    ),
}


@pytest.mark.parametrize("text", FUSION)
def test_one_mistake_in_fusion(problems_of, text):
    path, message, fix = FUSION[text]

    assert problems_of(f"{text}\nsources: {{a: {{type: ghl_app}}}}\n") == (Problem(path, message, fix, 1),)


@pytest.mark.parametrize(
    ("secret", "name"),
    [
        ("$FUSION_API_KEY", "FUSION_API_KEY"),
        ("%FUSION_API_KEY%", "FUSION_API_KEY"),
        ("$${KEY}", "KEY"),
        ("$env:KEY", "NAME"),
        ("$ecret7", "NAME"),
    ],
)
def test_a_secret_that_is_a_variables_name(problems_of, minimal, secret, name):
    assert problems_of(minimal.replace("key-1", f"'{secret}'")) == (
        Problem(
            "fusion.accounts.main.api_key",
            "looks like a variable that isn't filled in",
            f'write "${{{name}}}", and set that variable',
            3,
        ),
    )


def test_a_variable_that_holds_a_variables_name(problems_of, load_text, minimal):
    text = minimal.replace("key-1", "'${A}'")

    assert problems_of(text, A="$FUSION_API_KEY") == (
        Problem(
            "fusion.accounts.main.api_key",
            "the value of A looks like a variable that isn't filled in",
            "write the secret itself there",
            3,
        ),
    )
    assert load_text(text, A="$2y$10$abc").fusion
    assert load_text(minimal.replace("key-1", "'a$B%C%'")).fusion


AT_HOST = """\
fusion: {{base_url: 'http://{}', accounts: {{a: {{api_key: k}}}}}}
sources: {{a: {{type: ghl_app}}}}
"""
LOCAL_HTTP = [
    "localhost",
    "a.localhost",
    "127.0.0.1:9000",
    "10.1.2.3",
    "172.31.0.1",
    "192.168.1.1",
    "[::1]:1",
    "[fd00::1]",
]
OPEN_HTTP = [
    "app.fusioncalling.com",
    "8.8.8.8",
    "172.32.0.1",
    "0.0.0.0",
    "169.254.1.1",
    "10.0.0.1.example.com",
    "sandbox",
]


@pytest.mark.parametrize("host", LOCAL_HTTP)
def test_http_stays_at_home(load_text, host):
    text = AT_HOST.format(host)

    assert load_text(text).fusion.base_url == f"http://{host}"


@pytest.mark.parametrize("host", OPEN_HTTP)
def test_http_goes_nowhere_else(problems_of, host):
    text = AT_HOST.format(host)

    assert problems_of(text) == (Problem("fusion.base_url", "would send keys unencrypted", HTTPS, 1),)


@pytest.mark.parametrize(
    "address",
    [
        "a",
        "ftp://a",
        "https://",
        "https://a:b",
        "https://a:99999",
        "https://a b",
        "https://[",
        "https://ä",
        "https://a\\b",
    ],
)
def test_not_an_address(problems_of, minimal, address):
    assert problems_of(f"{minimal}server: {{public_url: '{address}'}}\n") == (
        Problem(
            "server.public_url", f"'{address}' is not an address", "write https:// and the host's name", 6
        ),
    )


@pytest.mark.parametrize("rest", ["/path", "?", "?a=b", "#a", "/#"])
@pytest.mark.parametrize("host", ["a.example.com", "user:secret@a.example.com"])
def test_more_than_an_address(problems_of, minimal, host, rest):
    assert problems_of(f"{minimal}server: {{public_url: 'https://{host}{rest}'}}\n") == (
        Problem(
            "server.public_url",
            "must be an address without user, path or ?",
            "write only https:// and the host's name",
            6,
        ),
    )


def test_both_required_sections_missing(problems_of):
    assert problems_of("server: {port: 1}\n") == (
        Problem("fusion", "is missing", "add fusion: with accounts: and an api_key"),
        Problem(
            "sources", "is missing", "add sources: with at least one; config.example.yaml shows each type"
        ),
    )


def test_a_rule_that_cannot_work_has_its_line(problems_of, minimal):
    found = problems_of(
        minimal
        + """\
lead:
  name:
    - "{{ contact.name }}"
    - "{{ contcat.name }}"
  email: "{{ contact.emial }}"
routes:
  - name: a
    when: "'x' in contact.tgas"
    lead:
      custom_fields: {bill: "{{ ( }}"}
do_not_call:
  when: contact.dnd
"""
    )

    assert [(each.path, each.line) for each in found] == [
        ("lead.name[1]", 9),
        ("lead.email", 10),
        ("routes[0].when", 13),
        ("routes[0].lead.custom_fields.bill", 15),
        ("do_not_call.when", 17),
    ]
    assert all(each.message and each.fix for each in found)


def test_an_expression_of_a_source_that_cannot_work(problems_of, minimal):
    (problem,) = problems_of(
        minimal
        + "  f:\n    type: json\n    token: token-f-of-the-tests-only\n"
        + "    contact:\n      name: '{{ contact.name }}'\n"
    )

    assert (problem.path, problem.line) == ("sources.f.contact.name", 10)
    assert "contact" in problem.message


def test_no_problem_hides_another(problems_of):
    """Unknown keys, wrong types, unset variables, cross-checks and rules, in one go and in order."""
    found = problems_of(
        """\
servr: {}
server: {port: x, port: y}
default_region: XX
fusion:
  accounts: {main: {api_key: "${NOPE}"}, two: {apikey: b}}
sources:
  a: {type: jsn}
  b: {type: ghl_workflow, token: token-x-of-the-tests-only, tokn: y}
  c: {type: ghl_workflow, token: token-x-of-the-tests-only}
lead: {tags_as_is: maybe, email: "{{ contcat.email }}"}
routes:
  - {when: "true or false", kind: sms, account: mian}
  - solar
  - {when: contcat.x, campaign_id: 1, lead: {name: ["{{ contact.nme }}", ~]}}
retry: {first_delay: 1h, max_delay: 5s}
"""
    )

    assert [(each.line, each.path) for each in found] == [
        (1, "servr"),
        (2, "server.port"),
        (2, "server.port"),
        (3, "default_region"),
        (5, "fusion.accounts.main.api_key"),
        (5, "fusion.accounts.two.api_key"),
        (5, "fusion.accounts.two.apikey"),
        (7, "sources.a.type"),
        (8, "sources.b.tokn"),
        (9, "sources.c.token"),
        (10, "lead.tags_as_is"),
        (10, "lead.email"),
        (12, "routes[0].kind"),
        (12, "routes[0].account"),
        (13, "routes[1]"),
        (14, "routes[2].when"),
        (14, "routes[2].campaign_id"),
        (14, "routes[2].lead.name[0]"),
        (14, "routes[2].lead.name[1]"),
        (15, "retry.first_delay"),
    ]


def test_a_problem_is_one_short_line(problems_of, minimal):
    (problem,) = problems_of(minimal + 'on_delete: {tag: "' + "a\\nb " * 500 + '"}\n')

    assert "\n" not in problem.message + problem.fix + problem.path
    assert len(problem.message) < 120


def test_a_secret_in_the_wrong_place_is_not_shown(problems_of, minimal):
    found = problems_of(
        minimal.replace("{api_key: key-1}", "sk-live-1").replace(
            "{type: ghl_workflow, token: token-1-of-the-tests-only}", "sk-live-2"
        )
        + "  c: {type: ghl_workflow, token: 'sk-live-3 /'}\n"
        + "  d: {type: json, token: [sk-live-4]}\n"
    )

    assert len(found) == 5
    assert "sk-live" not in repr(found)


def test_a_key_file_that_is_no_text(problems_of, minimal, tmp_path):
    (tmp_path / "key.der").write_bytes(b"\x30\xff")

    (problem,) = problems_of(minimal + "  app: {type: ghl_app, public_keys: [key.der]}\n")

    assert problem.message == "the key's file is not text"
