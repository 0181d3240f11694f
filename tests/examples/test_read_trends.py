"""The examples as scripts: in Python against a server, in R where it is at hand, and else by the names that it uses."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from analysis_samples import MONDAY, new_session, sample_analysis, sample_recording
from api_server import serving
from migrated import migrate

from db.actors import Role
from db.store import Store
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.phq import PhqUnavailable, UnavailableReason
from service.access.accounts import add_account, create_token
from service.api.v1.alone import create_app
from service.api.v1.application import create_api
from service.settings import AppSettings

ROOT = Path(__file__).parents[2]
R_SCRIPT = ROOT / "examples" / "read_trends.R"


@dataclass(frozen=True)
class Server:
    """A server with one subject, whose newer session has an estimate."""

    url: str
    token: str
    subject_id: str
    shares: dict[str, float]
    api: Any

    def run(self, *command: str) -> str:
        environment = {**os.environ, "FERPHQ_TOKEN": self.token, "PYTHONPATH": str(ROOT)}
        process = subprocess.run(
            [*command, self.url, self.subject_id],
            cwd=ROOT,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout + process.stderr


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = AppSettings(data_dir=tmp_path_factory.mktemp("examples") / "data")
    settings.prepare()
    migrate(settings.database_url)
    with Store(settings.database_url) as store:
        subject = store.subjects.create(label="P01")
        for week, phq in enumerate((PhqUnavailable(UnavailableReason.NO_HEAD), None)):
            session = new_session(store, subject.id, f"{week}.mp4", MONDAY + timedelta(weeks=week))
            analysis = sample_analysis(sample_recording(f"{week}.mp4"), phq=phq, seed=week)
            store.analyses.save(session_id=session.id, analysis=analysis)
        add_account(store, "Admin", Role.ADMINISTRATOR, "correct horse battery")
        token = create_token(store, "Admin", "script", ("read",), 1)[0]
        mean = analysis.emotion_distribution
        assert mean is not None
        shares = dict(zip(EMOTIONS, map(float, mean), strict=True))
        with serving(create_app(settings)) as url:
            yield Server(url, token, subject.id, shares, create_api(settings, store))


def assert_told(output: str, server: Server) -> None:
    """The script's output names the estimate with its provenance, why there is none, and shares over time."""
    assert "simulated" in output
    assert "7.5" in output
    assert "Newest session, 20 frames, face seen for 9.0 s" in output
    rounded = np.round(list(server.shares.values()), 3)
    for name, share in zip(EMOTIONS, rounded, strict=True):
        assert name in output
        assert f"{share:g}" in output, (name, share)


def test_the_script_in_python_reads_trends_and_a_timeline(server: Server) -> None:
    assert_told(server.run(sys.executable, "examples/read_trends.py"), server)


@functools.cache
def missing_of_r() -> str:
    """What the script in R needs and this machine has not; '' where everything is there."""
    program = shutil.which("Rscript")
    if program is None:
        return "Rscript"
    code = 'for (name in c("httr2", "jsonlite", "arrow")) if (!requireNamespace(name, quietly = TRUE)) cat(name, "")'
    return subprocess.run([program, "-e", code], check=True, capture_output=True, text=True).stdout.strip()


def test_the_script_in_r_reads_trends_and_a_timeline(server: Server) -> None:
    if missing_of_r():
        pytest.skip(f"needs {missing_of_r()}, which is not installed here")
    assert_told(server.run("Rscript", str(R_SCRIPT)), server)


def test_the_script_in_r_names_what_the_server_answers(server: Server) -> None:
    """It cannot be run everywhere, and a name that the server does not answer would be NULL in silence."""
    source = "\n".join(line.partition("#")[0] for line in R_SCRIPT.read_text(encoding="utf-8").splitlines())
    document = server.api.openapi()
    paths = re.findall(r'sprintf\("(/v1/[^"]+)"', source)
    assert len(paths) == 2
    known_paths = {re.sub(r"\{\w+\}", "%s", path) for path in document["paths"]}
    assert set(paths) <= known_paths
    schemas = document["components"]["schemas"]
    properties = {name for schema in schemas.values() for name in schema.get("properties", {})}

    def fields(variable: str) -> set[str]:
        return set(re.findall(rf"\b{variable}\$(\w+)", source))

    trends, session, estimate = schemas["Trends"], schemas["TrendSession"], schemas["Estimate"]
    assert fields("session") <= set(trends_fields := session["properties"])
    assert {"emotions", "phq"} <= fields("session") <= set(trends_fields)
    assert set(re.findall(r"session\$phq\$(\w+)", source)) <= set(estimate["properties"]) | {"reason"}
    assert "reason" in schemas["NoEstimate"]["properties"]
    assert {"notes", "sessions"} <= set(trends["properties"])
    assert fields("problem") <= set(schemas["Problem"]["properties"])
    assert fields("note") <= set(schemas["Note"]["properties"])
    frame = set(schemas["Frame"]["properties"])
    assert fields("timeline") | fields("seen") <= frame
    emotions = re.search(r"EMOTIONS <- c\(([^)]*)\)", source)
    assert emotions is not None
    assert re.findall(r'"(\w+)"', emotions[1]) == list(EMOTIONS)
    assert set(EMOTIONS) <= frame <= properties
    pairs = {")": "(", "]": "[", "}": "{"}
    open_brackets: list[str] = []
    for character in re.sub(r'"[^"]*"', "", source):
        if character in pairs.values():
            open_brackets.append(character)
        elif character in pairs:
            assert open_brackets.pop() == pairs[character]
    assert open_brackets == []
