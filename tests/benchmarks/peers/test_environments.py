"""Environments of peers: the record of what came of them, and what a failure says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.peers import environments
from benchmarks.peers.catalogue import PEERS, PROGRAMS, find_peer


def test_every_peer_is_pinned_and_has_its_program():
    for peer in PEERS:
        assert (PROGRAMS / peer.program).is_file(), peer.name
        for requirement in (*peer.requirements, *peer.bare):
            _, _, version = requirement.rpartition("@" if peer.is_node else "==")
            assert version[:1].isdigit(), requirement
    assert len({peer.name for peer in PEERS}) == len(PEERS)


def test_the_last_error_is_what_a_failure_says():
    text = "Traceback\n  File x\nValueError: no weights at\nINFO: bye\n"
    assert environments.shorten_error(text, 1) == "ValueError: no weights at (exit code 1)"
    assert environments.shorten_error("killed\n\n", -9) == "killed (exit code -9)"
    assert environments.shorten_error("", 3) == "nothing was said (exit code 3)"


def test_a_peer_that_is_ready_is_not_made_again(tmp_path: Path):
    peer = find_peer("human")
    entry = {
        "requirements": peer.requirements,
        "is_ready": True,
        "reason": "",
        "packages": ["@vladmandic/human@3.3.6"],
        "megabytes": 340,
    }
    (tmp_path / environments.RECORD).write_text(json.dumps({peer.name: entry}))
    outcome = environments.prepare(tmp_path, [peer])[peer.name]
    assert outcome.is_ready
    assert outcome.packages == ("@vladmandic/human@3.3.6",)
    assert not (tmp_path / peer.environment).exists()


def test_a_peers_program_gets_its_own_home_and_chooses_its_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    variables = environments.variables(tmp_path, find_peer("fer"))
    assert variables["HOME"] == str(tmp_path / "fer" / "home")
    assert "OMP_NUM_THREADS" not in variables
    assert "PYTHONPATH" not in variables


def test_commands_name_the_environments_program(tmp_path: Path):
    words = environments.command(tmp_path, find_peer("fer, MTCNN"))
    assert words == [str(tmp_path / "fer/python/bin/python"), str(PROGRAMS / "fer_frames.py"), "--mtcnn"]
    assert environments.command(tmp_path, find_peer("human"))[0] == "node"


def test_an_unknown_peer_is_refused(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stop:
        environments.main(["nobody"])
    assert stop.value.code == 2
    assert "no such peer: nobody" in capsys.readouterr().err
