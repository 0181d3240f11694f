"""The units of systemd: what they say is understood, and what they start is there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dotenv import dotenv_values
from typer.testing import CliRunner

from service.cli import app
from service.settings import AppSettings

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted(path.name for path in (DEPLOY / "systemd").glob("*.service"))


def test_there_are_a_dashboard_and_a_worker():
    assert UNITS == ["fer-phq-dashboard.service", "fer-phq-worker@.service"]


@pytest.mark.parametrize("name", UNITS)
def test_the_commands_are_ours(name):
    text = (DEPLOY / "systemd" / name).read_text()
    commands = re.findall(r"^ExecStart(?:Pre)?=/opt/fer-phq/bin/fer-phq (.+)$", text, re.MULTILINE)
    assert commands
    for command in commands:
        assert CliRunner().invoke(app, [*command.split(), "--help"]).exit_code == 0, command


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_them(name, tmp_path):
    text = (DEPLOY / "systemd" / name).read_text()
    unit = tmp_path / name.replace("@.", "@1.")
    unit.write_text(text.replace("/opt/fer-phq/bin/fer-phq", sys.executable).replace("User=fer-phq", "User=daemon"))
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    complaints = [line for line in outcome.stderr.splitlines() if unit.name in line or str(unit) in line]
    assert complaints == []


def test_the_environment_is_one_that_the_settings_take(monkeypatch, tmp_path):
    path = DEPLOY / "systemd" / "fer-phq.env"
    environment = dotenv_values(path)  # quotes as systemd reads them
    command = f"set -a; . {path}; env"  # and as the guide has a shell read them
    lines = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, check=True, env={}
    ).stdout.splitlines()
    assert {line.partition("=")[0]: line.partition("=")[2] for line in lines}.items() >= environment.items()
    for name, value in environment.items():
        monkeypatch.setenv(name, value or "")
    settings = AppSettings()
    assert settings.trusted_proxy == ("127.0.0.1/32",)
    assert settings.allowed_hosts == ["phq.example.org"]
    assert settings.database_url == "postgresql:///ferphq"
    assert settings.data_dir == Path("/var/lib/fer-phq")
