"""Files and folders that are written whole or not at all, and never over files of others."""

import os
from pathlib import Path

import pytest

from kerazoo.utils.errors import OutputError
from kerazoo.utils.files import new_file, new_folder, output_error, sha256
from tests.conftest import finish, python


def message(function):
    """The one line of the `OutputError` that a call raises."""
    with pytest.raises(OutputError) as caught:
        function()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def write_file(path, text="new", *, error=None, **kwargs):
    with new_file(path, **kwargs) as temporary:
        temporary.write_text(text)
        if error:
            raise error


def write_folder(path, names=("config.yaml",), *, error=None, **kwargs):
    with new_folder(path, **kwargs) as temporary:
        for name in names:
            (temporary / name).write_text("new")
        if error:
            raise error


def everything(folder):
    """Relative paths of all files and folders, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


class TestNewFile:
    def test_makes_missing_folders_and_leaves_only_the_file(self, tmp_path):
        write_file(tmp_path / "a" / "b" / "file.txt")
        assert everything(tmp_path) == ["a", "a/b", "a/b/file.txt"]
        assert (tmp_path / "a" / "b" / "file.txt").read_text() == "new"

    def test_temporary_name_keeps_the_suffix_and_its_folder(self, tmp_path):
        with new_file(tmp_path / "model.keras") as temporary:
            assert temporary.suffix == ".keras"
            assert temporary.parent.parent == tmp_path  # of the same file system: renaming is all that is left to do
            assert not (tmp_path / "model.keras").exists()

    def test_permissions_are_those_of_an_ordinary_file(self, tmp_path):
        write_file(tmp_path / "new.txt")
        (tmp_path / "ordinary.txt").write_text("")
        assert (tmp_path / "new.txt").stat().st_mode == (tmp_path / "ordinary.txt").stat().st_mode

    def test_an_exception_leaves_no_new_folders(self, tmp_path):
        (tmp_path / "a").mkdir()
        with pytest.raises(RuntimeError):
            write_file(tmp_path / "a" / "b" / "c" / "file.txt", "half", error=RuntimeError)
        with pytest.raises(RuntimeError):
            write_folder(tmp_path / "a" / "d" / "preset", ("half.txt",), error=RuntimeError)
        assert everything(tmp_path) == ["a"]

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
    def test_an_exception_leaves_the_old_file_and_nothing_else(self, tmp_path, error):
        (tmp_path / "file.txt").write_text("old")
        with pytest.raises(error):
            write_file(tmp_path / "file.txt", "half", error=error, overwrite=True)
        assert everything(tmp_path) == ["file.txt"]
        assert (tmp_path / "file.txt").read_text() == "old"

    def test_an_existing_file_is_replaced_only_where_asked(self, tmp_path):
        path = tmp_path / "file.txt"
        write_file(path, "old")
        assert message(lambda: write_file(path)) == (
            f"{path} exists already; choose another name, or pass --overwrite (overwrite=True)"
        )
        assert path.read_text() == "old"
        write_file(path, overwrite=True)
        assert path.read_text() == "new"
        assert everything(tmp_path) == ["file.txt"]

    def test_a_folder_is_never_replaced_by_a_file(self, tmp_path):
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "work.txt").write_text("old")
        assert message(lambda: write_file(tmp_path / "folder", overwrite=True)).startswith("cannot write ")
        assert everything(tmp_path) == ["folder", "folder/work.txt"]

    @pytest.mark.parametrize("below", ["sub.txt", "sub/deeper/file.txt"])
    def test_a_path_below_a_file(self, tmp_path, below):
        (tmp_path / "file").write_text("old")
        path = tmp_path / "file" / below
        for write in (write_file, write_folder):
            assert message(lambda write=write: write(path)) == (
                f"cannot write {path}: a part of the path is a file, not a folder"
            )
        assert everything(tmp_path) == ["file"]

    def test_a_name_that_is_too_long(self, tmp_path):
        assert message(lambda: write_file(tmp_path / ("x" * 300))).endswith(": the name is too long")

    def test_a_disk_that_fills_up(self, tmp_path):
        def fill():
            with new_file(tmp_path / "file.txt"), open("/dev/full", "w") as full:
                full.write("x" * 100_000)

        assert message(fill) == (
            f"cannot write {tmp_path / 'file.txt'}: no space is left on the disk; free some, or choose another place"
        )
        assert everything(tmp_path) == []

    def test_what_appears_meanwhile_is_never_replaced(self, tmp_path):
        path = tmp_path / "file.txt"

        def race():
            with new_file(path) as temporary:
                temporary.write_text("late")
                path.write_text("first")

        assert "exists already" in message(race)
        assert path.read_text() == "first"
        assert everything(tmp_path) == ["file.txt"]


KILLED = """
import os, signal, sys
from pathlib import Path
from kerazoo.utils import files
path = Path(sys.argv[1])
if sys.argv[2] == "swap":  # killed between the two renames
    replace = os.replace
    def kill(source, target):
        os.kill(os.getpid(), signal.SIGKILL) if Path(target) == path else replace(source, target)
    os.replace = kill
    with files.new_folder(path, overwrite=True, owned=("config.yaml",)) as temporary:
        (temporary / "config.yaml").write_text("new")
with getattr(files, sys.argv[2])(path, overwrite=True) as temporary:
    os.kill(os.getpid(), signal.SIGKILL)
"""


class TestKilled:
    @pytest.mark.parametrize("how", ["new_file", "new_folder"])
    def test_the_next_one_removes_what_is_left(self, tmp_path, how):
        assert finish(python("-c", KILLED, tmp_path / "place", how))[0] == -9
        (left,) = everything(tmp_path)[:1]
        assert left.startswith(".kerazoo-")
        write_file(tmp_path / "other.txt")
        assert everything(tmp_path) == ["other.txt"]

    def test_what_was_about_to_be_replaced_comes_back(self, tmp_path):
        write_folder(tmp_path / "place", ("config.yaml", "old.txt"))
        assert finish(python("-c", KILLED, tmp_path / "place", "swap"))[0] == -9
        assert not (tmp_path / "place").exists()
        write_file(tmp_path / "other.txt")
        assert everything(tmp_path) == ["other.txt", "place", "place/config.yaml", "place/old.txt"]

    def test_what_another_one_is_writing_stays(self, tmp_path):
        with new_file(tmp_path / "slow.txt") as temporary:
            write_file(tmp_path / "other.txt")
            temporary.write_text("whole")
        assert (tmp_path / "slow.txt").read_text() == "whole"


class TestNewFolder:
    def test_appears_whole(self, tmp_path):
        with new_folder(tmp_path / "a" / "preset") as temporary:
            (temporary / "config.yaml").write_text("new")
            assert not (tmp_path / "a" / "preset").exists()
        assert everything(tmp_path) == ["a", "a/preset", "a/preset/config.yaml"]

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
    def test_an_exception_leaves_the_old_folder_and_nothing_else(self, tmp_path, error):
        write_folder(tmp_path / "preset", ("config.yaml", "old.txt"))
        with pytest.raises(error):
            write_folder(tmp_path / "preset", ("half.txt",), error=error, overwrite=True, owned=("config.yaml",))
        assert everything(tmp_path) == ["preset", "preset/config.yaml", "preset/old.txt"]

    def test_the_old_folder_comes_back_where_the_new_one_cannot_take_its_place(self, tmp_path, monkeypatch):
        path, replace = tmp_path / "preset", os.replace
        write_folder(path, ("config.yaml", "old.txt"))

        def interrupted(source, target):
            if Path(target) == path and not Path(source, "old.txt").exists():
                raise KeyboardInterrupt
            replace(source, target)

        monkeypatch.setattr(os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_folder(path, ("config.yaml", "new.txt"), overwrite=True, owned=("config.yaml",))
        assert everything(tmp_path) == ["preset", "preset/config.yaml", "preset/old.txt"]

    def test_what_appears_meanwhile_is_never_replaced(self, tmp_path):
        def race():
            with new_folder(tmp_path / "1") as temporary:
                (temporary / "late.txt").write_text("")
                write_folder(tmp_path / "1", ("first.txt",))

        assert "exists already" in message(race)
        assert everything(tmp_path) == ["1", "1/first.txt"]

    def test_our_own_is_replaced_only_where_asked(self, tmp_path):
        path = tmp_path / "preset"
        write_folder(path, ("config.yaml", "old.txt"))
        assert "exists already" in message(lambda: write_folder(path))
        write_folder(path, ("config.yaml", "new.txt"), overwrite=True, owned=("config.yaml",))
        assert everything(tmp_path) == ["preset", "preset/config.yaml", "preset/new.txt"]

    def test_a_folder_of_something_else_is_never_replaced(self, tmp_path):
        path = tmp_path / "thesis"
        path.mkdir()
        (path / "chapter.tex").write_text("years of work")
        assert message(lambda: write_folder(path, overwrite=True, owned=("config.yaml", "versions.json"))) == (
            f"{path} will not be overwritten: it is not such an output (no config.yaml, versions.json)"
        )
        assert everything(tmp_path) == ["thesis", "thesis/chapter.tex"]

    def test_a_file_is_never_replaced_by_a_folder(self, tmp_path):
        (tmp_path / "notes").write_text("work")
        assert "will not be overwritten" in message(
            lambda: write_folder(tmp_path / "notes", overwrite=True, owned=("config.yaml",))
        )
        assert (tmp_path / "notes").read_text() == "work"

    def test_an_empty_folder_is_taken_where_asked(self, tmp_path):
        (tmp_path / "preset").mkdir()
        write_folder(tmp_path / "preset", overwrite=True, owned=("config.yaml",))
        assert everything(tmp_path) == ["preset", "preset/config.yaml"]


def test_output_error_reads_the_reason_out_of_hdf5_messages():
    assert "no space is left" in str(output_error("x.h5", OSError("write failed: errno = 28, No space left on device")))


def test_sha256_of_a_million_letters(tmp_path):
    path = tmp_path / "letters"  # the third test vector of FIPS 180-2, longer than one block of reading
    path.write_bytes(b"a" * 1_000_000)
    assert sha256(path) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
