"""What a command takes, with the processes that it starts: real ones."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.peers.processes import run_tree

WORK = "import time\nwhile time.process_time() < {s}: pass\n"


def test_the_time_and_memory_of_children_count(tmp_path: Path):
    child = tmp_path / "child.py"
    child.write_text("block = bytearray(120_000_000)\n" + WORK.format(s=0.4))
    parent = tmp_path / "parent.py"
    parent.write_text(
        f"import subprocess, sys\nsubprocess.run([sys.executable, {str(child)!r}], check=True)\nprint('done')\n"
        + WORK.format(s=0.3)
    )
    run = run_tree([sys.executable, str(parent)])
    assert run.code == 0
    assert run.output == "done\n"
    assert 0.65 < run.cpu_s < 3
    assert run.wall_s >= 0.65
    assert 120 < run.peak_mb < 400


def test_a_child_that_outlives_its_parent_is_counted_and_ended(tmp_path: Path):
    child = tmp_path / "child.py"
    mark = tmp_path / "mark"
    child.write_text(WORK.format(s=0.4) + f"open({str(mark)!r}, 'w').write('x')\ntime.sleep(600)\n")
    parent = tmp_path / "parent.py"
    parent.write_text(
        "import os, subprocess, sys, time\n"
        f"process = subprocess.Popen([sys.executable, {str(child)!r}])\nprint(process.pid)\n"
        f"while not os.path.exists({str(mark)!r}): time.sleep(0.01)\n"
    )
    run = run_tree([sys.executable, str(parent)])
    assert run.cpu_s > 0.4
    assert not Path(f"/proc/{run.output.strip()}").exists()


def test_a_command_past_its_time_is_ended_with_its_children(tmp_path: Path):
    words = "import subprocess, sys\np = subprocess.Popen(['sleep', '600'])\nprint(p.pid, flush=True)\np.wait()\n"
    run = run_tree([sys.executable, "-c", words], limit_s=1.5)
    assert run.code is None
    pid = int(run.output)
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()


def test_a_failure_keeps_its_code_and_words():
    run = run_tree([sys.executable, "-c", "import sys\nsys.exit('no such thing')"], variables=dict(os.environ))
    assert run.code == 1
    assert "no such thing" in run.error


def test_orphans_of_others_go_their_own_way_afterwards(tmp_path: Path):
    run_tree([sys.executable, "-c", "pass"])
    code = (
        "import os, time\nif os.fork() == 0:\n    time.sleep(0.3)\n    print(os.getppid(), flush=True)\nos._exit(0)\n"
    )
    orphan = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(orphan.stdout) != os.getpid()
