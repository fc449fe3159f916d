import pytest

from bridge.store.database import open_writer


@pytest.fixture
def db(tmp_path):
    connection = open_writer(tmp_path / "bridge.db")
    yield connection
    connection.close()
