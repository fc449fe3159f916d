"""deploy/litestream.yml with the real Litestream, where it is installed: a server is lost, its replica isn't.

Its S3 is a folder here; nothing else of the sample is changed.
"""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.crash.power import put_back
from tests.crash.processes import ROOT
from tests.crash.stage import stage, until

LITESTREAM = shutil.which("litestream", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")


def sample(database, replica):
    """The file as an operator would fill it in."""
    text = (ROOT / "deploy/litestream.yml").read_text()
    text, replaced = re.subn(
        r"    replica:\n(?:      .+\n)+", f"    replica:\n      type: file\n      path: {replica}\n", text
    )
    assert replaced == 1
    assert text.count("path: /var/lib/bridge/bridge.db") == 1
    return text.replace("/var/lib/bridge/bridge.db", str(database))


def restored(database, config, copy):
    """The numbers of the people whose events are in the replica, as `litestream restore` finds it now."""
    copy.unlink(missing_ok=True)
    command = [LITESTREAM, "restore", "-config", config, "-o", copy, database]
    subprocess.run(command, check=True, capture_output=True)
    with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro", uri=True)) as reader:
        contacts = reader.execute("SELECT contact_id FROM events").fetchall()
    return {int(contact.removeprefix("c")) for (contact,) in contacts}


@pytest.mark.skipif(LITESTREAM is None, reason="Litestream isn't installed")
def test_what_a_lost_server_had_is_in_the_replica(tmp_path):
    with stage(tmp_path) as it:
        config = tmp_path / "litestream.yml"
        config.write_text(sample(it.database, tmp_path / "replica"))
        it.service.start()
        with (
            (tmp_path / "litestream.log").open("w") as log,
            subprocess.Popen([LITESTREAM, "replicate", "-config", config], stdout=log, stderr=log) as copying,
        ):
            until((tmp_path / "replica").exists, 10)
            for first in range(1, 100, 20):
                it.accept(*range(first, first + 20))
            until(lambda: restored(it.database, config, tmp_path / "restored.db") == it.accepted, 15)
            it.service.kill()
            copying.kill()
        shutil.rmtree(it.database.parent / ".bridge.db-litestream")
        put_back({it.database: (tmp_path / "restored.db").read_bytes()}, it.database)
        it.service.start()
        it.ends_well()
