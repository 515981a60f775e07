"""A file is the old one or the new one, whatever happens to its writer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from crm_analytics.errors import SourceError
from crm_analytics.reports import files

OLD, NEW = b"old" * 200_000, b"new" * 400_000

FOREVER = """
import sys
from crm_analytics.reports.files import write_bytes
old, new = b"old" * 200_000, b"new" * 400_000
print("ready", flush=True)
while True:
    write_bytes(sys.argv[1], new)
    write_bytes(sys.argv[1], old)
"""

ON_A_FULL_DISK = """
import resource, signal, sys
from crm_analytics.errors import SourceError
from crm_analytics.reports.files import write_bytes
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    write_bytes(sys.argv[1], b"new" * 400_000)
except SourceError as error:
    print(error.to_dict()["code"], str(error))
"""

posix = pytest.mark.skipif(os.name != "posix", reason="needs signals and limits of a POSIX system")


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_an_old_file_is_replaced(tmp_path):
    path = tmp_path / "f.bin"
    path.write_bytes(OLD)
    assert files.write_bytes(path, NEW) == path
    assert path.read_bytes() == NEW
    assert names(tmp_path) == ["f.bin"]


@posix
def test_permissions_and_links_are_kept(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(OLD)
    real.chmod(0o640)
    link.symlink_to(real)
    files.write_bytes(link, NEW)
    assert link.is_symlink()
    assert real.read_bytes() == NEW
    assert real.stat().st_mode & 0o777 == 0o640


@posix
def test_a_device_is_written_straight():
    assert str(files.write_bytes("/dev/null", NEW)) == "/dev/null"


@posix
def test_killed_at_any_moment_the_file_is_whole(tmp_path):
    path = tmp_path / "f.bin"
    path.write_bytes(OLD)
    for wait in range(20):
        writer = subprocess.Popen([sys.executable, "-c", FOREVER, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout.readline() == b"ready\n"
        time.sleep(wait * 0.0037)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        assert path.read_bytes() in (OLD, NEW)
    files.write_bytes(path, NEW)
    assert names(tmp_path) == ["f.bin"], "what killed writers left is removed by the next one"


@posix
@pytest.mark.parametrize("room", [0, 1, 4096, 600_000, 1_199_999])
def test_a_full_disk_leaves_the_old_file(tmp_path, room):
    path = tmp_path / "f.bin"
    path.write_bytes(OLD)
    found = subprocess.run(
        [sys.executable, "-c", ON_A_FULL_DISK, str(path), str(room)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.startswith("source ")
    assert "could not be written: file too large" in found.stdout
    assert path.read_bytes() == OLD
    assert names(tmp_path) == ["f.bin"]


def test_an_interruption_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupted(_handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.write_bytes(tmp_path / "f.bin", NEW)
    assert names(tmp_path) == []


def test_files_of_writers_that_still_run_are_left_alone(tmp_path):
    path = tmp_path / "f.bin"
    busy = tmp_path / f"{files._prefix(path)}{os.getpid()}-0000.tmp"
    busy.write_bytes(b"")
    files.write_bytes(path, NEW)
    assert busy.exists()


def test_a_folder_is_no_place_for_a_file(tmp_path):
    with pytest.raises(SourceError, match="could not be written: is a directory"):
        files.write_bytes(tmp_path, NEW)
