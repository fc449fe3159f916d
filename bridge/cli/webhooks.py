"""Where a source's webhook URL is to be pasted, for `init` and `check`.

Knows the senders' menus; the URLs are the configuration's. Rule for editors: these are the only places that
print a URL with its token, because there it is for pasting.
"""

from bridge.config import Config
from bridge.inbound import GhlApp, GhlWorkflow, Source


def paste_lines(config: Config) -> list[str]:
    """Each source with its URL and where that goes; then what else must be known."""
    lines: list[str] = []
    for name, url in config.webhook_urls().items():
        lines += [f"  {name}: {where_to_paste(config.sources[name])}", f"    {url}", ""]
    if config.server.public_url is None:
        lines += [
            "  Put the https address by which others reach the bridge in place of the first part; or set",
            "  server.public_url to it, and `bridge check` prints URLs that can be pasted as they are.",
            "",
        ]
    return lines


def where_to_paste(source: Source) -> str:
    match source:
        case GhlWorkflow():
            return "GoHighLevel → Automation → Workflows → … → action “Webhook” → method POST → URL"
        case GhlApp():
            return "GoHighLevel's developer marketplace → your app → Webhooks; choose the five Contact events"
        case _:
            return "POST the form or JSON to"
