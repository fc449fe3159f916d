"""The sandbox as a process of its own: `python -m tests.crash.sandbox_process PORT '{"rules": "june", …}'`.

`bridge sandbox` is the same for people; this one takes the seed of the faults' chance and prints nothing.
"""

import json
import sys

import uvicorn

from bridge.fusion.sandbox import SandboxProtocol, create_sandbox


def main() -> None:
    """Serve until killed."""
    app = create_sandbox(**json.loads(sys.argv[2]))
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        http=SandboxProtocol,
        access_log=False,
        date_header=False,  # the sandbox sends its own
        log_level="error",
    )


if __name__ == "__main__":
    main()
