"""The configuration that `bridge init` writes: short, commented, and right.

Knows the text of the two files. Rule for editors: every answer is tried by loading the result (`trial`)
before anything is written, so there is no second opinion here about what is right.
"""

import json
import os
import re
import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bridge.config import Config, load
from bridge.errors import BridgeError

# Name → what is said of it when asked.
SOURCES: Final = {
    "workflow": "GoHighLevel workflows, by their Webhook action",
    "app": "a GoHighLevel marketplace app",
    "forms": "anything else that POSTs JSON or a form: web forms, Zapier, n8n",
}
_TOKENS: Final = {"workflow": "WORKFLOW_TOKEN", "forms": "FORMS_TOKEN"}

_SOURCE_TEXTS: Final = {
    "workflow": """\
  # The "Webhook" action of a GoHighLevel workflow.
  workflow: {type: ghl_workflow, token: "${WORKFLOW_TOKEN}"}
""",
    "app": """\
  # A GoHighLevel marketplace app; its deliveries are signed. Name your app's id and the sub-accounts to
  # listen to: without them every app's deliveries are taken.
  app:
    type: ghl_app
    # app_id: 0123456789abcdef01234567
    # locations: [ve9EPM428h8vShlRW1KT]
""",
    "forms": """\
  # Anything that can POST JSON or a form. Put the names of your form's fields behind `payload.`
  forms:
    type: json
    token: "${FORMS_TOKEN}"
    contact:
      name: "{{ payload.name }}"
      phone: "{{ payload.phone }}"
      email: "{{ payload.email }}"
""",
}


@dataclass(frozen=True, slots=True)
class Answers:
    """What `init` was told."""

    public_url: str
    api_key: str = field(repr=False)
    region: str = "US"
    sources: tuple[str, ...] = ("workflow",)


def config_text(answers: Answers) -> str:
    """config.yaml"""
    if answers.public_url:
        public = f"  public_url: {_scalar(answers.public_url)}   # as others reach the bridge\n"
    else:
        public = "  # public_url: https://bridge.example.com   # as others reach the bridge: set it\n"
    sources = "".join(text for name, text in _SOURCE_TEXTS.items() if name in answers.sources)
    return f"""\
# Who sends contacts, and what becomes of them in Fusion. Secrets are in .env beside this file.
# config.example.yaml shows every key with a comment, the README tells the whole story.
# After a change: `bridge check`, then reload or restart the service.

server:
  host: 0.0.0.0
  port: 8080
{public}
database: data/bridge.db
default_region: {_scalar(answers.region)}   # of phone numbers without a country code

fusion:
  accounts:
    main: {{api_key: "${{FUSION_API_KEY}}"}}

# Each has an address of its own for its webhooks; `bridge check` prints them.
sources:
{sources}
# What a lead is made of. Try it on a payload: `bridge preview FILE`.
lead:
  name:                       # the first that gives a usable name
    - "{{{{ contact.name }}}}"
    - "{{{{ contact.company }}}}"
    - "{{{{ contact.email }}}}"
    - New caller              # of a missed call all that is known is the phone
  phone: "{{{{ contact.phone }}}}"
  email: "{{{{ contact.email }}}}"
  company: "{{{{ contact.company }}}}"
  tags:                       # all of them
    - "{{{{ contact.tags }}}}"
    - gohighlevel

# Where leads go: the first route that matches. This one takes everybody, to the Default Feed.
routes:
  # - name: customers
  #   when: "'customer' in contact.tags"
  #   skip: already a customer
  # - name: solar
  #   when: "'solar' in contact.tags"
  #   campaign_id: 6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55
  - name: everyone
"""


def env_text(answers: Answers, tokens: dict[str, str]) -> str:
    """.env"""
    lines = ["# The secrets of config.yaml. Keep this file to yourself.", ""]
    if not answers.api_key:
        lines += ["# Put your Fusion API key here; `bridge check` complains until you do."]
    lines += [f"FUSION_API_KEY={_quoted(answers.api_key)}"]
    lines += [f"{name}={token}" for name, token in tokens.items()]
    return "\n".join(lines) + "\n"


def fresh_tokens(answers: Answers) -> dict[str, str]:
    return {_TOKENS[name]: secrets.token_urlsafe(32) for name in answers.sources if name in _TOKENS}


def trial(answers: Answers, tokens: dict[str, str]) -> Config:
    """The configuration as it would be loaded. Raises ConfigError; a key that wasn't given is no problem."""
    environ = {"FUSION_API_KEY": answers.api_key or "to-be-filled-in", **tokens}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "config.yaml")
        path.write_text(config_text(answers), encoding="utf-8")
        return load(path, environ)


def write(path: Path, answers: Answers, tokens: dict[str, str]) -> None:
    """Both files, or none. Raises BridgeError, also when one appeared meanwhile."""
    env = path.with_name(".env")
    written: list[Path] = []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for file, text, mode in (
            (path, config_text(answers), 0o644),
            (env, env_text(answers, tokens), 0o600),
        ):
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            written.append(file)
            with os.fdopen(descriptor, "w", encoding="utf-8") as out:
                out.write(text)
    except OSError as error:
        for file in written:
            file.unlink(missing_ok=True)
        reason = (error.strerror or str(error)).lower()
        raise BridgeError(
            f"can't write {error.filename or path}: {reason}", fix="name a file in another folder with -c"
        ) from None


def _scalar(text: str) -> str:
    """Plain where YAML reads it as it stands, else quoted."""
    return text if re.fullmatch(r"[A-Za-z][A-Za-z0-9./_-]*(:[A-Za-z0-9/._-]+)*", text) else json.dumps(text)


def _quoted(text: str) -> str:
    """As .env files want it: bare where nothing in it means anything there."""
    if re.fullmatch(r"[A-Za-z0-9._~+/=-]*", text):
        return text
    if "'" not in text:
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
