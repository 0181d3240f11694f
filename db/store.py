"""The store's door: `Store(url)` and its named queries. Everything else in `db` stands behind it."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from db.engine import normalise_url, open_engine, store_errors
from db.migrate import check_schema
from db.queries.analyses import AnalysisQueries
from db.queries.cohort import CohortQueries
from db.queries.erasure import UpkeepQueries
from db.queries.features import FeatureQueries
from db.queries.jobs import JobQueries
from db.queries.labels import HeadQueries
from db.queries.leases import WorkQueries
from db.queries.measures import MeasureQueries
from db.queries.model_pairs import PairQueries
from db.queries.questionnaires import QuestionnaireQueries
from db.queries.review import ReviewQueries
from db.queries.sessions import SessionQueries
from db.queries.subjects import SubjectQueries
from db.queries.trends import TrendQueries
from db.queries.triage import AttentionQueries


class Store(
    SubjectQueries,
    SessionQueries,
    AnalysisQueries,
    MeasureQueries,
    FeatureQueries,
    HeadQueries,
    TrendQueries,
    CohortQueries,
    AttentionQueries,
    PairQueries,
    QuestionnaireQueries,
    ReviewQueries,
    JobQueries,
    WorkQueries,
    UpkeepQueries,
):
    """An open database, for any number of threads.

    Each method is one transaction, takes keyword arguments, returns records (`db.records`) or tidy pandas frames,
    and raises StoreError with one sentence. Each write adds an audit line under `actor`.
    """

    def __init__(self, url: str | None = None, *, actor: str = "cli", lock_timeout_s: float = 10.0) -> None:
        """Open the database at `url` (None: the default, see `db.engine.default_url`).

        `lock_timeout_s`: seconds to wait for another program's lock. Raises StoreError when the database cannot be
        reached or its schema is not this code's, with what to do.
        """
        self._url = normalise_url(url)
        self._actor = actor
        self._engine = open_engine(self._url, lock_timeout_s=lock_timeout_s)
        try:
            with store_errors(self._url):
                check_schema(self._engine, self._url)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
