"""Dockerfile and compose file, read part by part, and their commands run by hand where no engine of containers runs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from certificates import make_certificate
from postgres_server import PostgresMissing, Server, postgres_server
from served import free_port
from typer.testing import CliRunner

from service.cli import app
from service.settings import AppSettings

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
PORT = 8501
PATIENCE_S = 120


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    described: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]
    return described


def test_every_part_is_closed_in(services: dict[str, Any]) -> None:
    for name in ("tables", "app", "worker"):
        part = services[name]
        assert part["read_only"]
        assert part["cap_drop"] == ["ALL"]
        assert part["security_opt"] == ["no-new-privileges:true"]
        assert "data:/data" in part["volumes"]
        assert part["tmpfs"] == ["/tmp"]
    assert "ports" not in services["database"]
    assert services["app"]["ports"] == [f"443:{PORT}"]
    assert re.search(r"^USER fer-phq$", DOCKERFILE, re.MULTILINE)


def test_the_commands_are_ours(services: dict[str, Any]) -> None:
    commands = [services[name]["command"] for name in ("tables", "app", "worker")]
    commands.append(yaml.safe_load(re.findall(r"^CMD (.+)$", DOCKERFILE, re.MULTILINE)[0]))
    for program, *arguments in commands:
        assert program == "fer-phq"
        assert CliRunner().invoke(app, [*arguments, "--help"]).exit_code == 0


def test_what_is_copied_is_there_and_the_data_is_not() -> None:
    for line in re.findall(r"^COPY (?!--from=build /opt)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        source = line.removeprefix("--from=build /src/")
        assert (ROOT / source).exists(), source
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".venv", "deploy/.env", "deploy/tls"} <= set(ignored)


def test_the_environment_is_one_that_the_settings_take(
    services: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {name: _filled_in(value) for name, value in services["app"]["environment"].items()}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = AppSettings(data_dir=Path("/data"))
    assert settings.allowed_hosts == ["phq.example.org"]
    assert str(settings.tls_cert) == "/tls/fullchain.pem"
    assert settings.port == PORT


def _filled_in(value: str) -> str:
    return re.sub(
        r"\$\{FERPHQ_HOST:\?[^}]*\}", "phq.example.org", re.sub(r"\$\{FERPHQ_DATABASE_PASSWORD:\?[^}]*\}", "x", value)
    )


@pytest.fixture
def server() -> Iterator[Server]:
    try:
        with postgres_server() as running:
            yield running
    except PostgresMissing as missing:
        pytest.skip(str(missing))


@pytest.mark.slow
@pytest.mark.postgres
def test_its_parts_work_together_with_a_real_database(services: dict[str, Any], server: Server, tmp_path: Path) -> None:
    """Each part's own command and environment; the network, the volumes and the users of containers are not there."""
    certificate = tmp_path / "tls"
    certificate.mkdir()
    make_certificate(certificate)
    port = free_port()

    def environment(name: str) -> dict[str, str]:
        values = {key: _filled_in(value) for key, value in services[name]["environment"].items()}
        for key in ("FERPHQ_TLS_CERT", "FERPHQ_TLS_KEY"):
            if key in values:
                values[key] = values[key].replace("/tls/", f"{certificate}/")
        if "FERPHQ_ADDRESS" in values:
            values |= {"FERPHQ_ADDRESS": "127.0.0.1", "FERPHQ_PORT": str(port)}
        kept = {key: value for key, value in os.environ.items() if not key.startswith("FERPHQ_")}
        values |= {"FERPHQ_DATABASE_URL": database, "FERPHQ_DATA_DIR": str(tmp_path / "data")}
        return {**kept, **values, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

    def command(name: str) -> list[str]:
        return [sys.executable, "-m", "service.cli", *services[name]["command"][1:]]

    database = server.new_database()
    subprocess.run(command("tables"), env=environment("tables"), check=True, timeout=PATIENCE_S)
    add = [sys.executable, "-m", "service.cli", "users", "add", "Dr M", "--role", "administrator", "--password-file"]
    (tmp_path / "password").write_text("correct horse battery staple\n")
    subprocess.run([*add, str(tmp_path / "password")], env=environment("app"), check=True, timeout=PATIENCE_S)
    worker = subprocess.Popen(command("worker"), env=environment("worker"), stderr=subprocess.PIPE, text=True)
    dashboard = subprocess.Popen(command("app"), env=environment("app"))
    try:
        check = [sys.executable, str(ROOT / "deploy" / "ready.py")]
        assert services["app"]["healthcheck"]["test"] == ["CMD", "python", "/opt/fer-phq/ready.py"]
        for _ in range(PATIENCE_S):
            outcome = subprocess.run(check, env=environment("app"), timeout=30, check=False)
            if outcome.returncode == 0:
                break
        assert outcome.returncode == 0
        assert worker.stderr is not None
        assert "started" in next(line for line in worker.stderr if "worker" in line)
    finally:
        for process in (worker, dashboard):
            process.terminate()
        assert worker.wait(60) == 0
        assert dashboard.wait(60) in (0, -signal.SIGTERM)
    assert subprocess.run(check, env=environment("app"), timeout=30, check=False).returncode == 1
