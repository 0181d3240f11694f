"""The wheel, installed where the checkout cannot be seen: it holds every file of the packages, and works."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = [pattern.rstrip("*") for pattern in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]]
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
LOOK = """
import importlib, json, sys
from dashboard.i18n import catalogue, languages
from db.migrate import upgrade

upgrade("sqlite:///" + sys.argv[1])
places = [importlib.import_module(name).__file__ for name in sys.argv[2:]]
print(json.dumps({"places": places, "languages": languages(), "settings": catalogue("de").gettext("Settings")}))
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command that inherits none of Python's or the project's settings; returns what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "FERPHQ_"))}
    environment["FERPHQ_DATA_DIR"] = str(cwd / "data")
    process = subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True, env=environment)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def package_files() -> set[str]:
    """Every file of the packages as the checkout has them."""
    files = {path.relative_to(ROOT) for name in PACKAGES for path in (ROOT / name).rglob("*") if path.is_file()}
    return {path.as_posix() for path in files if "__pycache__" not in path.parts and not path.name.startswith(".")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy: whatever an earlier build left in the checkout would come into it."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    return folder / run(sys.executable, "-c", BUILD, folder, cwd=source).splitlines()[-1]


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel, and nothing else, into an environment that borrows this one's other packages.

    A path file adds their folder. Path files inside that folder are not read, so an editable install is not seen.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    pip = (sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "--no-index", "--no-deps", "--no-compile", wheel, cwd=folder)
    borrowed = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    site_packages = next(folder.glob("lib/python*/site-packages"))
    (site_packages / "borrowed.pth").write_text("\n".join(borrowed), encoding="utf-8")
    return folder


def test_the_wheel_holds_every_file_of_the_packages(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == package_files()


def test_the_wheel_speaks_german_and_makes_a_database_away_from_the_checkout(environment, tmp_path):
    output = run(environment / "bin" / "python", "-c", LOOK, tmp_path / "store.db", *PACKAGES, cwd=tmp_path)
    report = json.loads(output.splitlines()[-1])
    assert all(Path(place).is_relative_to(environment) for place in report["places"]), report["places"]
    assert report["languages"]["de"] == "Deutsch"
    assert report["settings"] == "Einstellungen"


def test_the_wheels_own_command_verifies_the_bundle_that_comes_with_it(environment, tmp_path):
    assert "is whole" in run(environment / "bin" / "fer-phq", "models", "verify", cwd=tmp_path)
