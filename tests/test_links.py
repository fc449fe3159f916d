"""Links where files are expected: they lead to no file that isn't the bridge's, and to no second owner."""

import pytest

from bridge.cli.configured import outline
from bridge.config import load
from bridge.errors import StoreError
from bridge.store.database import InUse, Ownership, open_writer, owned
from tests.harness import write_config


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("words")
    (tmp_path / "bridge.db.lock").symlink_to(precious)
    with pytest.raises(StoreError, match="can't write"):
        Ownership(tmp_path / "bridge.db").take()
    assert precious.read_text() == "words"


@pytest.mark.parametrize("there", [True, False])
def test_two_names_of_a_database_have_one_owner(tmp_path, there):
    (tmp_path / "data").mkdir()
    if there:
        open_writer(tmp_path / "data" / "real.db").close()
    (tmp_path / "link.db").symlink_to("data/real.db")
    (tmp_path / "again.db").symlink_to("link.db")
    names = ["data/real.db", "link.db", "again.db"]
    databases = [load(write_config(tmp_path, database=name), {}).database for name in names]
    assert len(set(databases)) == 1
    with owned(databases[0]), pytest.raises(InUse):
        Ownership(databases[2]).take()


def test_a_link_to_a_folder_and_a_circle_of_links_stay_what_they_are(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data").symlink_to("elsewhere")
    (tmp_path / "circle.db").symlink_to("circle.db")
    config = load(write_config(tmp_path, database="data/bridge.db"), {})
    assert config.database == tmp_path / "data" / "bridge.db"
    circle = load(write_config(tmp_path, database="circle.db"), {}).database
    with pytest.raises(StoreError):
        open_writer(circle)


def test_a_command_finds_the_same_file_when_the_configuration_is_wrong(tmp_path, capsys):
    (tmp_path / "link.db").symlink_to("real.db")
    path = write_config(tmp_path, database="link.db", retry={"max_attempts": "many"})
    assert outline(path).database == tmp_path / "real.db"
    assert "has a problem" in capsys.readouterr().err
