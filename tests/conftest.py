"""Fixtures that several test folders share."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from argon2 import Parameters, profiles
from recordings import Recordings

os.environ["FERPHQ_FACE_RATE"] = "0"
"""Following the face through every frame takes most of an analysis's time, and hundreds of tests analyse a recording to
see something else. Those that are about behaviour ask for a rate, or delete the variable to have the default."""
os.environ["FERPHQ_SPEECH"] = "0"
"""Telling who speaks takes more of a sound's time than all else about it. Tests about turns ask for them, or delete the
variable to have the default."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--precision`, by which one machine shows what training does on processors of both kinds."""
    meaning = "Have training see a processor with bf16, without it (no), or of the kind that this one is not (other)."
    parser.addoption("--precision", choices=("bf16", "no", "other"), help=meaning)


def pytest_collection_finish() -> None:
    """Leave the modules that collecting loaded out of garbage collection, which took a sixth of the tests' time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_sessionfinish() -> None:
    """Let the interpreter take down at its end what was left out."""
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def cost_of_passwords() -> Iterator[Parameters]:
    """What hashing a password takes; within the tests' process it takes a hundredth of it."""
    from service.access import passwords

    cost = passwords.COST
    passwords.COST = profiles.CHEAPEST
    yield cost
    passwords.COST = cost


@pytest.fixture(scope="session", autouse=True)
def processor(request: pytest.FixtureRequest) -> Iterator[None]:
    """Make `precision: auto` of a recipe what `--precision` says; without the option, what the processor has."""
    precision = request.config.getoption("--precision")
    if precision is None:
        yield
        return
    from training.emotion import train

    if precision == "other":
        precision = "no" if train.fast_precision() == "bf16" else "bf16"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "fast_precision", lambda: precision)
        yield


@pytest.fixture
def default_face_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Follow the face as an installation does in which nobody set anything."""
    monkeypatch.delenv("FERPHQ_FACE_RATE")


@pytest.fixture
def default_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell who speaks as an installation does in which nobody set anything."""
    monkeypatch.delenv("FERPHQ_SPEECH")


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    """Builds small real recordings once a test session: `recordings(motion="moving", faces=2)` gives a path."""
    return Recordings(tmp_path_factory.mktemp("recordings"))
