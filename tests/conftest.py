"""Fixtures that several test folders share."""

from __future__ import annotations

import pytest
from recordings import Recordings


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    """Builds small real recordings once a test session: `recordings(motion="moving", faces=2)` gives a path."""
    return Recordings(tmp_path_factory.mktemp("recordings"))
