"""The store's door: `Store(url)` and its named queries. Everything else in `db` stands behind it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import TracebackType
from typing import Self

from db.actors import Actor
from db.encryption.state import check_key
from db.engine import normalise_url, open_engine, store_errors
from db.migrate import check_schema
from db.queries.access.accounts import AccountQueries
from db.queries.access.idempotency import IdempotencyQueries
from db.queries.access.logins import LoginQueries
from db.queries.access.shares import ShareQueries
from db.queries.access.tokens import TokenQueries
from db.queries.analyses.analyses import AnalysisQueries
from db.queries.analyses.faces import FaceQueries
from db.queries.analyses.features import FeatureQueries
from db.queries.analyses.measures import MeasureQueries
from db.queries.analyses.transcriptions import TranscriptionQueries
from db.queries.audit import AuditQueries
from db.queries.erasure import ErasureQueries
from db.queries.installation.encryption import EncryptionQueries
from db.queries.installation.settings import SettingQueries
from db.queries.jobs.leases import JobQueries
from db.queries.jobs.workers import WorkerQueries
from db.queries.merging import MergeQueries
from db.queries.overview.cohort import CohortQueries
from db.queries.overview.labels import LabelQueries
from db.queries.overview.model_pairs import ModelPairQueries
from db.queries.overview.trends import TrendQueries
from db.queries.overview.triage import TriageQueries
from db.queries.questionnaires import QuestionnaireQueries
from db.queries.review import EventQueries, NoteQueries, TranscriptQueries
from db.queries.sessions import SessionQueries
from db.queries.subjects import SubjectQueries


class Store:
    """An open database, for any number of threads, by groups of queries: `store.sessions.get(session_id=...)`.

    Each method is one transaction, takes keyword arguments, returns records (`db.records`) or tidy pandas frames,
    and raises StoreError with one sentence. Each write adds an audit line under `actor`.
    """

    def __init__(
        self, url: str | None = None, *, actor: str | Callable[[], Actor] = "cli", lock_timeout_s: float = 10.0
    ) -> None:
        """Open the database.

        Args:
            url: Where it is; None for the default, see `db.urls.default_url`.
            actor: Who makes the changes: a program's name, which may do everything, or a function that tells it at
                each transaction.
            lock_timeout_s: Seconds to wait for another program's lock.

        Raises:
            StoreError: The database cannot be reached, its schema is not this code's, or it is encrypted and the key
                is not there; says what to do.
            SettingsError: The key cannot be read.
        """
        self._url = normalise_url(url)
        self._engine = open_engine(self._url, lock_timeout_s=lock_timeout_s)
        acting = actor if callable(actor) else functools.partial(Actor, actor)
        connection = (self._url, self._engine, acting)
        self.subjects = SubjectQueries(*connection)
        self.sessions = SessionQueries(*connection)
        self.analyses = AnalysisQueries(*connection)
        self.measures = MeasureQueries(*connection)
        self.features = FeatureQueries(*connection)
        self.transcriptions = TranscriptionQueries(*connection)
        self.faces = FaceQueries(*connection)
        self.questionnaires = QuestionnaireQueries(*connection)
        self.notes = NoteQueries(*connection)
        self.transcripts = TranscriptQueries(*connection)
        self.events = EventQueries(*connection)
        self.jobs = JobQueries(*connection)
        self.workers = WorkerQueries(*connection)
        self.labels = LabelQueries(*connection)
        self.trends = TrendQueries(*connection)
        self.cohort = CohortQueries(*connection)
        self.triage = TriageQueries(*connection)
        self.model_pairs = ModelPairQueries(*connection)
        self.settings = SettingQueries(*connection)
        self.encryption = EncryptionQueries(*connection)
        self.accounts = AccountQueries(*connection)
        self.logins = LoginQueries(*connection)
        self.tokens = TokenQueries(*connection)
        self.idempotency = IdempotencyQueries(*connection)
        self.shares = ShareQueries(*connection)
        self.audit = AuditQueries(*connection)
        self.erasure = ErasureQueries(*connection)
        self.merging = MergeQueries(*connection)
        try:
            with store_errors(self._url):
                check_schema(self._engine, self._url)
                check_key(self._engine)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        """Return the open store."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()
