import pytest

from bridge.store.database import open_reader, open_writer
from tests.stocked import Stock


@pytest.fixture
def db(tmp_path):
    connection = open_writer(tmp_path / "bridge.db")
    yield connection
    connection.close()


@pytest.fixture
def stock(tmp_path):
    stock = Stock(tmp_path)
    yield stock
    stock.connection.close()


@pytest.fixture
def reader(stock):
    reader = open_reader(stock.database)
    yield reader
    reader.close()
