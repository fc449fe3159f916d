"""`bridge serve`: the service, in the foreground.

Knows the configuration's file and when to stop; `bridge.app` knows the rest. Rule for editors: no option here
overrides the configuration, so that what `bridge check` says is what runs.
"""

import signal

from bridge.cli.configured import DEFAULT_CONFIG, ConfigOption, load_config
from bridge.cli.stopping import until_stopped
from bridge.errors import BridgeError


def command(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Run the service: receive webhooks, deliver leads.

    Stays in the foreground and logs to stdout, as JSON when that is no terminal. SIGTERM or Ctrl-C
    finishes what is under way and stops; whatever still waits is delivered after the next start.
    SIGHUP reads the configuration again; a wrong one is refused in the log and the old one kept.

    Example:
      bridge check && bridge serve
      bridge serve -c /etc/bridge/config.yaml
      kill -HUP PID        # after a change of the rules
    """
    with until_stopped():
        # Until the service listens to it there is nothing to reload, and the default would be to die of it.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        loaded = load_config(config)
        from bridge.app import serve  # noqa: PLC0415 -- half a second that `bridge --help` does without

        try:
            serve(loaded)
        except SystemExit as end:
            if end.code:  # uvicorn's way to say that it couldn't listen; the log has its reason
                at = f"{loaded.server.host}:{loaded.server.port}"
                fix = f"stop what listens there, or change server.host or server.port in {loaded.path}"
                raise BridgeError(f"the service can't listen on {at}", fix=fix) from None
            raise
