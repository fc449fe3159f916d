"""The key of the marks: made once, whole, for its owner alone; and what is said when it can't be used."""

import base64
import os
import subprocess
import sys

import pytest

from bridge.store import secret_key
from bridge.store.secret_key import KeyTrouble, key_file, make_key, read_keys


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "bridge.db"
    path.touch()
    return path


def line(byte):
    return base64.urlsafe_b64encode(bytes([byte]) * 32).decode()


def test_without_a_file_there_are_no_keys(database):
    assert read_keys(database).keys == ()


def test_a_key_is_made_once(database):
    made = make_key(database)
    again = make_key(database)

    assert made.path == database.with_name("bridge.key")
    assert len(made.keys) == 1
    assert len(made.keys[0].secret) == 32
    assert again == made
    assert [path.name for path in database.parent.iterdir() if "key" in path.name] == ["bridge.key"]


def test_it_is_for_its_owner_alone_whatever_the_umask(database):
    before = os.umask(0)
    try:
        made = make_key(database)
    finally:
        os.umask(before)

    assert made.path.stat().st_mode & 0o777 == 0o600
    assert not made.open_to_others


def test_one_that_others_may_read_is_told(database):
    make_key(database).path.chmod(0o644)
    assert read_keys(database).open_to_others


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_what_root_makes_belongs_to_the_database_s_owner(database):
    os.chown(database, 10001, 10001)
    made = make_key(database)
    assert (made.path.stat().st_uid, made.path.stat().st_gid) == (10001, 10001)


def test_two_at_the_same_time_make_one(database):
    code = (
        "import pathlib, sys\n"
        "from bridge.store.secret_key import make_key\n"
        "make_key(pathlib.Path(sys.argv[1]))"
    )
    several = [subprocess.Popen([sys.executable, "-c", code, str(database)]) for _ in range(4)]
    assert [each.wait() for each in several] == [0] * 4
    assert len(read_keys(database).keys) == 1


def test_all_lines_are_keys_and_the_first_is_for_new_marks(database):
    key_file(database).write_text(f"{line(1)}\n\n  {line(2).rstrip('=')}\r\n")
    keys = read_keys(database)
    assert [key.secret[0] for key in keys.keys] == [1, 2]
    assert len(keys.ids) == 2


@pytest.mark.parametrize("text", ["", "\n\n", "secret-of-somebody", line(1)[:-5], f"{line(1)}x", "ü" * 43])
def test_what_is_no_key_is_told_without_quoting_it(database, text):
    key_file(database).write_text(text)
    with pytest.raises(KeyTrouble) as refused:
        read_keys(database)
    assert "bridge.key" in refused.value.message
    assert "put your own copy of it back" in refused.value.fix
    for part in filter(None, text.split()):
        assert part not in refused.value.message + refused.value.fix


def test_the_line_is_named(database):
    key_file(database).write_text(f"{line(1)}\nnonsense\n")
    with pytest.raises(KeyTrouble, match="line 2"):
        read_keys(database)


def test_a_folder_in_its_place_is_told(database):
    key_file(database).mkdir()
    with pytest.raises(KeyTrouble, match=r"can't read .*: is a directory"):
        read_keys(database)


def test_what_can_t_be_made_is_told(database, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(secret_key, "_write", refuse)
    with pytest.raises(KeyTrouble, match=r"can't make .*bridge.key: permission denied"):
        make_key(database)


def test_no_repr_shows_a_key(database):
    keys = make_key(database)
    text = keys.path.read_text().strip()
    shown = repr(keys) + repr(keys.keys) + str(keys.keys[0])
    assert text not in shown
    assert repr(keys.keys[0].secret) not in shown
