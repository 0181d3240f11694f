"""What the guard answers while the database is away: that it is, and never that something is wrong with the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_server import PostgresMissing, Server, postgres_server
from starlette.testclient import TestClient

from service.access.control import TOKEN_PREFIX
from service.api.v1.alone import create_app
from service.settings import AppSettings

pytestmark = pytest.mark.postgres


@pytest.fixture
def server() -> Iterator[Server]:
    try:
        with postgres_server() as running:
            if running.control is None:
                pytest.skip("the server of FERPHQ_TEST_POSTGRES_URL is not ours to stop")
            yield running
    except PostgresMissing as missing:
        pytest.skip(str(missing))


def test_a_database_that_is_away_is_said_and_waited_for(server: Server, tmp_path: Path) -> None:
    settings = AppSettings(data_dir=tmp_path / "data", database_url=server.new_database(), min_free_bytes=0)
    app = create_app(settings)
    client = TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 50000))
    elsewhere = TestClient(app, base_url="http://127.0.0.1", client=("192.0.2.1", 50000))
    assert client.get("/v1/subjects").status_code == 200
    server.stop()
    token = {"Authorization": f"Bearer {TOKEN_PREFIX}of-nobody"}  # to know whose it is takes the database
    for headers, code in ((token, "access.database_away"), ({}, "db.server_unreachable")):
        answer = client.get("/v1/subjects", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, code)
        assert int(answer.headers["retry-after"]) > 0
    assert client.get("/healthz").status_code == 200
    readiness = client.get("/readyz")
    assert (readiness.status_code, readiness.json()["database"]) == (503, False)
    for headers in (token, {}):
        assert "ferphq_database_up 0.0" in client.get("/metrics", headers=headers).text
    refusal = elsewhere.get("/metrics", headers=token)
    assert (refusal.status_code, refusal.json()["code"]) == (503, "access.database_away")
    server.start()
    assert client.get("/v1/subjects").status_code == 200
    assert client.get("/readyz").status_code == 200
    assert "ferphq_database_up 1.0" in client.get("/metrics").text
