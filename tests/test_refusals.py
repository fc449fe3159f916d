"""Refused requests while the database can't be written: counted once it can, and the newest of them kept."""

from bridge.errors import StoreError
from bridge.metrics import Metrics
from bridge.store import refusals
from bridge.store.database import open_writer
from bridge.store.refusals import SAMPLE
from bridge.web.refusals import Refusals


class Stubborn:
    """A writer that fails while more comes, until it is told to work."""

    def __init__(self, connection, more):
        self.connection = connection
        self.more = more
        self.works = False

    async def run(self, write):
        if not self.works:
            self.more()
            raise StoreError("disk full", fix="make room")
        return write(self.connection)


async def test_what_could_not_be_written_is_kept_and_the_newest_stay(tmp_path):
    connection = open_writer(tmp_path / "bridge.db")
    noted = Refusals(Metrics(), lambda: 1.0)

    def come(word, count):
        for number in range(count):
            noted.note("forms", "malformed", word, body=b"%s %d" % (word.encode(), number))

    writer = Stubborn(connection, lambda: come("new", 10))
    come("old", SAMPLE)
    await noted.write(writer)
    writer.works = True
    await noted.write(writer)
    (count,) = refusals.counts(connection)
    assert (count.count, count.reason) == (SAMPLE + 10, "new")
    bodies = [each.body for each in refusals.sample(connection, limit=0)]
    assert bodies[:10] == [b"new %d" % number for number in reversed(range(10))]
    assert (len(bodies), bodies[-1]) == (SAMPLE, b"old 10")
    connection.close()
