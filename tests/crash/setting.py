"""A folder with everything that a run of the bridge needs: configuration, token, and the app's signing key.

The key is made for the run: events of the app source are signed with it as GHL signs its own.
"""

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.crash.processes import free_port

TOKEN = "bench-token-0123456789abcdef"
API_KEY = "fc_bench_0123456789abcdef"

_CONFIG = """\
server: {{host: 127.0.0.1, port: {port}}}
database: bridge.db
fusion:
  base_url: http://127.0.0.1:{fusion_port}
  accounts:
    main: {{api_key: {api_key}}}
  leads_limit: {{requests: {requests}, per: {per_s}s}}
sources:
  workflow: {{type: ghl_workflow, token: {token}}}
  app: {{type: ghl_app, public_keys: [app.pem]}}
lead:
  name: ["{{{{ contact.name }}}}", "{{{{ contact.email }}}}"]
  phone: "{{{{ contact.phone }}}}"
  email: "{{{{ contact.email }}}}"
  company: "{{{{ contact.company }}}}"
  tags: ["{{{{ contact.tags }}}}", gohighlevel]
  custom_fields: {{city: "{{{{ contact.city }}}}"}}
retry: {{max_attempts: 8, first_delay: 200ms, max_delay: 1s, give_up_after: 1h}}
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """One bridge to be: where it is configured, where it listens, who signs for it."""

    folder: Path
    port: int
    key: Ed25519PrivateKey = field(repr=False)

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def database(self) -> Path:
        return self.folder / "bridge.db"

    def signed(self, payload: dict[str, Any]) -> tuple[str, bytes, dict[str, str]]:
        """Path, body and headers of an app's event."""
        body = json.dumps(payload).encode()
        signature = base64.b64encode(self.key.sign(body)).decode()
        return "/webhooks/app", body, {"X-GHL-Signature": signature}

    def with_token(self, payload: dict[str, Any]) -> tuple[str, bytes, dict[str, str]]:
        """Path, body and headers of a workflow's event."""
        return f"/webhooks/workflow/{TOKEN}", json.dumps(payload).encode(), {}


def prepare(folder: Path, *, fusion_port: int, requests: int = 100, per_s: float = 60) -> Setting:
    """Write the configuration and the key of a new setting."""
    folder.mkdir(parents=True, exist_ok=True)
    setting = Setting(folder, free_port(), Ed25519PrivateKey.generate())
    pem = setting.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "app.pem").write_bytes(pem)
    setting.config.write_text(
        _CONFIG.format(
            port=setting.port,
            fusion_port=fusion_port,
            api_key=API_KEY,
            requests=requests,
            per_s=per_s,
            token=TOKEN,
        )
    )
    return setting
