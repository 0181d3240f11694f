"""The decoder process can neither connect, nor start a process, nor write, nor read another file, nor swell."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from recordings import Recordings

import fer_phq
from fer_phq.core.analysis import Sampling
from fer_phq.core.errors import RecordingError
from fer_phq.video import confinement, probe, sample_frames
from fer_phq.video.decoder.confinement import bpf, landlock, policy, syscalls
from fer_phq.video.decoder.process import DecoderProcess
from fer_phq.video.types import DEFAULT_LIMITS

linux_only = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in syscalls.CONVENTIONS or not landlock.version(),
    reason="needs Linux with Landlock, on x86_64 or aarch64",
)

SCRIPT = """
import ctypes, json, os, resource, signal, socket, subprocess, sys, threading
from fer_phq.video.decoder.confinement import landlock, policy, syscalls
recording, folder, port, without, *names = sys.argv[1:]
outside = folder + "/outside"
if without == "landlock":
    landlock.allow_only = lambda files, folders: False
if without == "filter":
    syscalls.refuse_calls = lambda: False
libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

def datagram():
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", int(port)))

def thread():
    result = []
    worker = threading.Thread(target=result.append, args=(1,))
    worker.start()
    worker.join()
    assert result

def module():
    import wave, xml.dom.minidom

column = 1 + (os.uname().machine == "aarch64")
calls = [entry.split(":") for group in syscalls.REFUSED.values() for entry in group.split()]
numbers = {entry[0]: entry[column] for entry in calls}
acts = {
    "connect": lambda: socket.create_connection(("127.0.0.1", int(port)), 1).close(),
    "listen": lambda: socket.create_server(("127.0.0.1", 0)),
    "datagram": datagram,
    "fork": lambda: os._exit(0) if os.fork() == 0 else None,
    "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "run": lambda: subprocess.run(["/bin/true"]),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "write": lambda: open(recording, "r+b"),
    "append": lambda: open(outside, "ab"),
    "create": lambda: open(folder + "/new", "wb"),
    "nameless": lambda: os.open(folder, os.O_TMPFILE | os.O_RDWR),
    "truncate": lambda: os.truncate(outside, 0),
    "remove": lambda: os.unlink(outside),
    "rename": lambda: os.rename(outside, outside + "2"),
    "link": lambda: os.link(outside, folder + "/link"),
    "symlink": lambda: os.symlink(outside, folder + "/symlink"),
    "folder": lambda: os.mkdir(folder + "/inner"),
    "mode": lambda: os.chmod(outside, 0o777),
    "times": lambda: os.utime(outside),
    "read": lambda: open(outside, "rb"),
    "list": lambda: os.listdir(folder),
    "accounts": lambda: open("/etc/passwd"),
    "environment": lambda: open(f"/proc/{os.getppid()}/environ"),
    "signal": lambda: os.kill(os.getppid(), 0),
    "limit of another": lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CORE),
    "memory file": lambda: os.memfd_create("x"),
    "ptrace": lambda: call(int(numbers["ptrace"]), 16, os.getppid(), 0, 0),
    "io_uring": lambda: call(int(numbers["io_uring_setup"]), 1, 0),
    "bpf": lambda: call(int(numbers["bpf"]), 0, 0, 0),
    "keys": lambda: call(int(numbers["keyctl"]), 0, -3, 0),
    "namespace": lambda: call(int(numbers["unshare"]), 0x10000000),
    "mount": lambda: call(int(numbers["mount"]), 0, 0, 0, 0, 0),
    "other memory": lambda: call(int(numbers["process_vm_readv"]), os.getppid(), 0, 0, 0, 0, 0),
    "unheard of": lambda: call(600),
    "may: read the recording": lambda: open(recording, "rb").read(1),
    "may: thread": thread,
    "may: module": module,
    "may: signal itself": lambda: os.kill(os.getpid(), 0),
}
policy.confine(recording)
outcome = {}
for name in names:
    try:
        acts[name]()
        outcome[name] = "done"
    except OSError as error:
        outcome[name] = error.strerror or "refused"
print(json.dumps(outcome))
"""

REACH_BEYOND = [
    "connect",
    "listen",
    "datagram",
    "fork",
    "spawn",
    "run",
    "exec",
    "write",
    "append",
    "create",
    "nameless",
    "truncate",
    "remove",
    "rename",
    "link",
    "symlink",
    "folder",
    "mode",
    "times",
    "read",
    "list",
    "accounts",
    "environment",
    "signal",
    "ptrace",
    "io_uring",
    "bpf",
    "keys",
    "namespace",
    "mount",
    "limit of another",
    "memory file",
    "other memory",
    "unheard of",
]
MAY = ["may: read the recording", "may: thread", "may: module", "may: signal itself"]
BY_LANDLOCK = [
    "connect",
    "listen",
    "exec",
    "write",
    "append",
    "create",
    "truncate",
    "remove",
    "rename",
    "link",
    "symlink",
    "folder",
    "read",
    "list",
]
BY_FILTER = [name for name in REACH_BEYOND if name not in ("read", "list", "accounts", "environment")]


@pytest.fixture(scope="module")
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        yield listening


@linux_only
@pytest.mark.parametrize(("without", "refused"), [("", REACH_BEYOND), ("landlock", BY_FILTER), ("filter", BY_LANDLOCK)])
def test_a_confined_process_cannot_reach_beyond_itself(
    without: str, refused: list[str], recordings: Recordings, tmp_path: Path, server: socket.socket
) -> None:
    """Without one of the two protections, as on some platforms, the other one still prevents its part."""
    outside = tmp_path / "outside"
    outside.write_text("another person's")
    arguments = [recordings(), tmp_path, server.getsockname()[1], without, *refused, *MAY]
    environment = {**os.environ, "PYTHONPATH": str(Path(fer_phq.__path__[0]).parent)}
    command = [sys.executable, "-P", "-c", SCRIPT, *map(str, arguments)]
    outcome = json.loads(subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout)
    assert [name for name in refused if outcome[name] == "done"] == []
    assert [name for name in MAY if outcome[name] != "done"] == []
    assert outside.read_text() == "another person's"
    assert list(tmp_path.iterdir()) == [outside]
    with pytest.raises(TimeoutError):  # nobody has connected
        server.accept()


def test_libraries_stay_readable_but_not_the_folder_of_a_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout may hold the data folder."""
    root = Path(fer_phq.__path__[0]).resolve().parent
    monkeypatch.setattr(sys, "path", [str(root), "/opt/modules"])
    monkeypatch.setattr(sys, "pycache_prefix", "/var/cache/modules")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/libraries:")
    folders = policy.library_folders()
    assert {Path("/opt/modules"), Path("/var/cache/modules"), Path("/opt/libraries"), root / "fer_phq"} < set(folders)
    assert not any(folder in (root, *root.parents) for folder in folders)


@linux_only
def test_what_holds_is_told_by_trying() -> None:
    assert all(vars(confinement()).values())


@linux_only
def test_every_thread_of_the_decoder_is_confined(recordings: Recordings) -> None:
    request = {"command": "sample", "fps": 10.0, "key_frames": False, "max_side": 640, "display_name": "r"}
    process = DecoderProcess({**request, "path": str(recordings(seconds=40, gop=12))}, DEFAULT_LIMITS, 640 * 640 * 3)
    try:
        next(process.responses())
        threads = list(Path(f"/proc/{process.pid}/task").glob("*/status"))
        modes = [line for path in threads for line in path.read_text().splitlines() if line.startswith("Seccomp:")]
    finally:
        process.close()
    assert len(modes) >= 3
    assert {line.split()[1] for line in modes} == {"2"}


def run(program: list[bpf.Instruction], convention: int, number: int, *arguments: int) -> int:
    """What a filter says to a call, as the kernel would run it."""
    words = {0: number, 4: convention} | {16 + 8 * i: value & 0xFFFFFFFF for i, value in enumerate(arguments)}
    position = 0
    loaded = 0
    while True:
        if position == len(program):
            return bpf.ALLOW
        code, if_true, if_false, constant = program[position]
        position += 1
        if code == 0x06:
            return constant
        if code == 0x20:
            loaded = words[constant]
            continue
        holds = {0x15: loaded == constant, 0x35: loaded >= constant, 0x45: bool(loaded & constant)}[code]
        position += if_true if holds else if_false


@pytest.mark.parametrize(
    ("processor", "calls"),
    [
        ("x86_64", {"openat": 257, "clone": 56, "clone3": 435, "socket": 41, "execve": 59, "kill": 62, "read": 0}),
        ("aarch64", {"openat": 56, "clone": 220, "clone3": 435, "socket": 198, "execve": 221, "kill": 129, "read": 63}),
    ],
)
def test_the_filter_of_each_processor(processor: str, calls: dict[str, int]) -> None:
    program = syscalls.program(processor, 77)
    convention = syscalls.CONVENTIONS[processor]
    refused = 0x00050000

    def ask(name: str, *arguments: int) -> int:
        return run(program, convention, calls[name], *arguments)

    assert len(program) < 4096  # the kernel's bound
    assert ask("read", 0, 0, 0) == bpf.ALLOW
    assert ask("openat", 0, 0, os.O_RDONLY | os.O_CLOEXEC) == bpf.ALLOW
    assert ask("openat", 0, 0, os.O_WRONLY) == refused | 13
    assert ask("openat", 0, 0, os.O_RDONLY | os.O_CREAT) == refused | 13
    assert ask("clone", 0x3D0F00, 0, 0) == bpf.ALLOW  # a thread, as glibc starts it
    assert ask("clone", 0x1200011, 0, 0) == refused | 1  # a fork
    assert ask("clone3", 0, 0) == refused | 38
    assert ask("socket", 2, 1, 0) == refused | 1
    assert ask("execve", 0, 0, 0) == refused | 1
    assert ask("kill", 77, 9) == bpf.ALLOW
    assert ask("kill", 1, 9) == refused | 1
    assert run(program, convention, 600) == refused | 38
    assert run(program, 0x40000003, calls["read"]) == bpf.KILL  # i386 on x86_64


def many_tracks(path: Path, count: int) -> Path:
    """A Matroska file with a grey picture of 1920x1080 in each of many tracks: every one wants a decoder."""
    with av.open(str(path.with_name("grey.mkv")), "w") as out:
        track = out.add_stream("libx264", rate=10)
        track.width = 1920
        track.height = 1080
        grey = av.VideoFrame.from_ndarray(np.full((1620, 1920), 128, np.uint8), "yuv420p")
        out.mux([*track.encode(grey), *track.encode(None)])
    with av.open(str(path.with_name("grey.mkv"))) as container, av.open(str(path), "w") as out:
        track = container.streams.video[0]
        picture = bytes(next(container.demux(track)))
        for copy in [out.add_stream_from_template(track) for _ in range(count)]:
            packet = av.Packet(picture)
            packet.pts = packet.dts = 0
            packet.time_base = track.time_base
            packet.stream = copy
            packet.is_keyframe = True
            out.mux(packet)
    return path


def endless_index(path: Path, source: Path, count: int) -> Path:
    """An MP4 that declares many samples of one byte: its index takes 24 bytes of memory for each."""
    content = bytearray(source.read_bytes())
    for box, offset, values in ((b"stsz", 8, (1, count)), (b"stsc", 12, (1, count)), (b"stts", 12, (count,))):
        start = content.index(box) + offset
        content[start : start + 4 * len(values)] = struct.pack(f">{len(values)}I", *values)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("bomb", ["tracks", "index"])
@linux_only
def test_a_small_file_cannot_take_much_memory(
    bomb: str, recordings: Recordings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if bomb == "tracks":
        path = many_tracks(tmp_path / "tracks.mkv", 900)
    else:
        path = endless_index(tmp_path / "index.mp4", recordings(), 16_000_000)
    peaks = [0]
    start = DecoderProcess.__init__

    def watch(pid: int) -> None:
        with contextlib.suppress(OSError, StopIteration):
            while True:
                lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                peaks.append(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")))  # KiB
                time.sleep(0.002)

    def start_watched(process: DecoderProcess, *arguments: Any) -> None:
        start(process, *arguments)
        threading.Thread(target=watch, args=(process.pid,), daemon=True).start()

    monkeypatch.setattr(DecoderProcess, "__init__", start_watched)
    with contextlib.suppress(RecordingError):
        probe(path)
    assert 20 << 10 < max(peaks) < 800 << 10


def test_pictures_beyond_8k_are_refused(recordings: Recordings) -> None:
    path = recordings(".mkv", size=(8192, 4368), codec="mjpeg", frames=1, faces=0)
    with pytest.raises(RecordingError, match="8192x4368 pixels, more than 8K video has"):
        probe(path)


def test_8k_pictures_are_read(recordings: Recordings) -> None:
    with sample_frames(recordings.huge(), Sampling()) as stream:
        assert [frame.rgb.shape for frame in stream] == [(720, 1280, 3)] * 2
