"""schemathesis against the OpenAPI document: no answer that it does not describe, and never a server's error.

Requests are made up from the document, with ids of what is there among them, against a server on a socket.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import hypothesis
import pytest
import schemathesis
from analysis_samples import sample_analysis, sample_recording
from api_server import serving
from migrated import migrate
from schemathesis import checks

from db.store import Store
from fer_phq.core.phq import Scale
from service.api.v1.alone import create_app
from service.settings import AppSettings

pytestmark = pytest.mark.slow
WHEN = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
CHECKS = (
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
)
EXAMPLES = 10
"""Requests that are made up for each operation."""
ids: dict[str, list[str]] = {}
"""Ids of what is stored, by the name of the path's parameter."""


@pytest.fixture(scope="module")
def api_schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The document of a server with one of everything."""
    settings = AppSettings(data_dir=tmp_path_factory.mktemp("schema") / "data", min_free_bytes=0)
    settings.prepare()
    migrate(settings.database_url)
    with Store(settings.database_url, actor="test") as store:
        _fill(store)
    with serving(create_app(settings)) as url:
        yield schemathesis.openapi.from_url(f"{url}/v1/openapi.json")


def _fill(store: Store) -> None:
    for label in ("S-01", "S-02", "S-03"):
        subject = store.subjects.create(label=label)
        recording = sample_recording(f"{label}.mp4")
        session = store.sessions.create(
            subject_id=subject.id, recorded_at=WHEN, recording=recording, original_name=f"{label}.mp4", media_path=None
        )
        analysis_id = store.analyses.save(session_id=session.id, analysis=sample_analysis(recording))
        questionnaire = store.questionnaires.save(
            subject_id=subject.id, scale=Scale.PHQ9, items=[1] * 9, answered_at=WHEN
        )
        event = store.events.add(subject_id=subject.id, at=WHEN, words="moved house")
        job = store.jobs.create(session_id=session.id)
        stored = {
            "subject_id": subject.id,
            "session_id": session.id,
            "analysis_id": analysis_id,
            "questionnaire_id": questionnaire.id,
            "event_id": event.id,
            "job_id": job.id,
        }
        for name, value in stored.items():
            ids.setdefault(name, []).append(value)


@schemathesis.serializer("application/offset+octet-stream")
def serialize_bytes(context: Any, value: Any) -> bytes:
    """Send the bytes of a piece of an upload as they are."""
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Let most requests ask for what is there."""
    for name in path_parameters or {}:
        made_up = str(path_parameters[name])
        choices = ids.get(name, [])
        if choices and len(made_up) % 4:
            path_parameters[name] = choices[len(made_up) % len(choices)]
    return path_parameters


def failures_of(operation: Any) -> str:
    """What was wrong with the answers to one operation; empty where nothing was."""

    @hypothesis.given(case=operation.as_strategy())
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def ask(case: Any) -> None:
        case.call_and_validate(checks=CHECKS)

    try:
        ask()
    except (Exception, BaseExceptionGroup) as error:
        return f"{operation.label}: {''.join(traceback.format_exception(error))}"
    return ""


def test_every_answer_is_described_and_none_is_a_servers_error(api_schema: Any) -> None:
    operations = [result.ok() for result in api_schema.get_all_operations()]
    assert len(operations) > 30
    failures = [failure for failure in map(failures_of, operations) if failure]
    assert not failures, "\n\n".join(failures)
