"""The media store: real containers, real disks that fill up, files that come and go."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from recordings import Recordings

from service.ingest import media
from service.ingest.media import MediaStore, StorageError, TooLargeError
from service.settings import AppSettings

ROOT = Path(__file__).parents[3]
SHA = "ab" + "0" * 62


@pytest.fixture
def disk(tmp_path: Path) -> MediaStore:
    return MediaStore(AppSettings(data_dir=tmp_path, min_free_bytes=0, max_upload_bytes=1000))


def _part(disk: MediaStore, content: bytes = b"RIFF....AVI ....") -> Path:
    incoming = disk.incoming(key=None)
    incoming.write(content)
    incoming.finish()
    return incoming.path


@pytest.mark.parametrize(
    ("suffix", "codec", "container", "says"),
    [
        (".mp4", "libx264", "mp4", "video/mp4"),
        (".mov", "libx264", "mov", "video/quicktime"),
        (".mkv", "libx264", "mkv", "video/x-matroska"),
        (".webm", "libvpx", "webm", "video/webm"),
        (".avi", "mpeg4", "avi", "video/x-msvideo"),
    ],
)
def test_containers_are_told_by_content(
    recordings: Recordings, tmp_path: Path, suffix: str, codec: str, container: str, says: str
) -> None:
    path = recordings(suffix=suffix, codec=codec, seconds=1)
    unnamed = tmp_path / "unnamed"
    unnamed.write_bytes(path.read_bytes())
    assert media.container_of(unnamed) == container
    assert media.content_type(Path(f"x.{container}")) == says
    assert media.container_of(recordings.text()) == "bin"


def test_a_recording_is_placed_by_content(disk: MediaStore) -> None:
    part = _part(disk)
    with disk.locked():
        relative = disk.move_in(part, SHA, key=None)
    assert relative == f"ab/{SHA}.avi"
    assert disk.path_of(relative).read_bytes() == b"RIFF....AVI ...."
    assert disk.path_of(relative).stat().st_mode & 0o077 == 0
    assert not part.exists()
    assert disk.used_bytes() == 16


@pytest.mark.parametrize(
    "path", ["../secret", "/etc/passwd", f"ab/../../{SHA}.mp4", f"ab/{SHA}.mp4/..", "", f"ab/{SHA}"]
)
def test_only_our_own_paths_are_opened(disk: MediaStore, path: str) -> None:
    with pytest.raises(StorageError):
        disk.path_of(path)


def test_an_unfinished_file_goes_with_its_block(disk: MediaStore) -> None:
    with disk.incoming(key=None) as incoming:
        incoming.write(b"x" * 900)
        with pytest.raises(TooLargeError, match="larger than"):
            incoming.write(b"x" * 101)
        assert incoming.path.exists()
    assert not incoming.path.exists()


def test_room_is_looked_at_before(tmp_path: Path) -> None:
    free = MediaStore(AppSettings(data_dir=tmp_path, min_free_bytes=0)).free_bytes()
    with pytest.raises(StorageError, match="too little free space"):
        MediaStore(AppSettings(data_dir=tmp_path, min_free_bytes=free)).check_room(2**30)
    with pytest.raises(TooLargeError, match="8 GiB"):
        MediaStore(AppSettings(data_dir=tmp_path, min_free_bytes=0)).check_room(9 * 2**30)
    quota = MediaStore(AppSettings(data_dir=tmp_path, min_free_bytes=0, media_quota_bytes=20))
    quota.check_room(20)
    _part(quota)
    with pytest.raises(StorageError, match="FERPHQ_MEDIA_QUOTA_BYTES"):
        quota.check_room(5)


def test_a_copy_of_a_missing_file_leaves_nothing(disk: MediaStore, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="could not be copied"):
        disk.copy_in(tmp_path / "nowhere.mp4", key=None)
    assert not list((tmp_path / "incoming").iterdir())


def test_files_in_use_stay(disk: MediaStore) -> None:
    with disk.locked():
        relative = disk.move_in(_part(disk), SHA, key=None)
    assert disk.delete([relative], lambda _: True) == 0
    assert disk.path_of(relative).exists()
    assert disk.delete([relative, relative], lambda _: False) == 2
    assert not disk.path_of(relative).exists()


def test_the_sweep_takes_what_a_crash_left(disk: MediaStore) -> None:
    names = {}
    for kept, digit in (("used", "1"), ("orphan", "2"), ("fresh", "3")):
        with disk.locked():
            names[kept] = disk.move_in(_part(disk), digit * 64, key=None)
    stale, running = _part(disk), _part(disk)
    for path in (disk.path_of(names["used"]), disk.path_of(names["orphan"]), stale):
        os.utime(path, (1, 1))
    assert disk.sweep(lambda relative: relative == names["used"]) == 2
    assert [name for name in names if disk.path_of(names[name]).exists()] == ["used", "fresh"]
    assert (stale.exists(), running.exists()) == (False, True)


_FILL = """
import sys
from pathlib import Path
from service.ingest.media import MediaStore
from service.settings import AppSettings
disk = MediaStore(AppSettings(data_dir=Path(sys.argv[1]), min_free_bytes=0))
try:
    with disk.incoming(key=None) as incoming:
        while True:
            incoming.write(bytes(65536))
except Exception as error:
    print(type(error).__name__, error)
print(list(Path(sys.argv[1], "incoming").iterdir()))
"""


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    """On a real file system of one megabyte, where the kernel lets us mount one."""
    mount = f"mount -t tmpfs -o size=1m tmpfs {tmp_path} && exec \"$0\" -c '{_FILL}' {tmp_path}"
    command = ["unshare", "-rm", "sh", "-c", mount, sys.executable]
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    except FileNotFoundError:
        pytest.skip("unshare is not installed")
    if "mount:" in done.stderr or "unshare" in done.stderr:
        pytest.skip("a file system cannot be mounted here")
    assert done.stdout.splitlines() == [
        "StorageError The server's disk is full; free some space and send the recording again.",
        "[]",
    ], done.stderr


def test_a_file_size_limit_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    command = [sys.executable, "-c", _FILL, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, cwd=ROOT)
    assert done.stdout.splitlines()[0].startswith("TooLargeError The server's file system takes no file that large")
    assert done.stdout.splitlines()[1] == "[]"
