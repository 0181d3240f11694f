"""What every group of queries stands on: one transaction a call, errors in words, an audit line beside each write."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from sqlalchemy import Engine, func, select, text
from sqlalchemy.engine import URL
from sqlalchemy.orm import InstrumentedAttribute, Session

from db import messages
from db.actors import Actor
from db.encryption.columns import use_key
from db.encryption.state import key_of_writing
from db.engine import reading, store_errors, writing
from db.pseudonyms import Pseudonyms, use_pseudonyms
from db.queries.chain import Entry, append_entries
from db.records import ForbiddenError, InputError, NotFoundError
from db.tables import Base, SubjectRow
from db.visibility import LimitedSession, is_limited, limit_to, unlimited
from fer_phq.core.messages import Message

if TYPE_CHECKING:
    import pandas as pd

Row = TypeVar("Row", bound=Base)
MAX_TAG = 60
"""Characters of a tag, of a subject or of a note."""
HEALTH_TABLES = (
    "subjects, sessions, analyses, face_choices, frames, timelines, embeddings, channels, behaviours, turns,"
    " transcriptions, faces,"
    " face_pictures, measures, questionnaires, jobs, notes, transcripts, subject_tags, events, subject_shares,"
    " audit_names"
)
"""Tables that may hold health data or a person's name."""
READER_MS = 500
"""How long the emptying of SQLite's log waits for those who read it."""
_ENTRIES = "entries"


class Queries:
    """One group of queries over an open database: a connection pool, who is acting, the two kinds of transaction."""

    def __init__(self, url: URL, engine: Engine, acting: Callable[[], Actor]) -> None:
        """Take the connection.

        Args:
            url: The database, as its errors name it.
            engine: The connection pool.
            acting: Tells who acts, at each transaction.
        """
        self._url = url
        self._engine = engine
        self._acting = acting

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        """Open a transaction that sees one consistent view of the database, of it what the actor may see."""
        connection = LimitedSession(reading(self._engine))
        with (
            self._noting_refusals(),
            store_errors(self._url),
            connection as session,
            session.begin(),
            _seen_by(session, self._acting()),
        ):
            yield session

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """Open a transaction that is all or nothing: a failure anywhere in the block leaves the database as it was.

        Raises:
            ForbiddenError: The actor may not change anything.
        """
        actor = self._refuse_readers()
        with self._noting_refusals(), self._recording(actor) as session:
            yield session

    def _label_order(self) -> InstrumentedAttribute[Any]:
        """Return the column that orders subjects by what the actor calls them.

        The order of labels would tell who sees pseudonyms which of them stands for whom.
        """
        return SubjectRow.label if self._acting().sees_names else SubjectRow.pseudonym

    def _refuse_readers(self) -> Actor:
        """Refuse what only who changes things may do, and return the actor.

        Raises:
            ForbiddenError: The actor may not change anything.
        """
        actor = self._acting()
        if not actor.changes:
            self._note_refusal(actor, "role", str(actor.role))
            raise ForbiddenError(messages.MAY_NOT_CHANGE(role=str(actor.role)))
        return actor

    @contextmanager
    def _recording(self, actor: Actor) -> Iterator[Session]:
        """Open a transaction that writes whatever the actor's role, such as an entry that says what was read."""
        with store_errors(self._url), LimitedSession(writing(self._engine)) as session, session.begin():
            session.info[_ENTRIES] = []
            with use_key(key_of_writing(session)), _seen_by(session, actor):
                yield session
                append_entries(session, actor, session.info[_ENTRIES])
                session.flush()  # while the key is there

    @contextmanager
    def _noting_refusals(self) -> Iterator[None]:
        """Note in the audit that somebody asked for a row that is not for them; to them it is not there."""
        try:
            yield
        except NotFoundError as error:
            if error.hidden is not None:
                self._note_refusal(self._acting(), *error.hidden)
            raise

    def _note_refusal(self, actor: Actor, kind: str, object_id: str) -> None:
        with self._recording(actor) as session:
            self._audit(session, "refuse", kind, object_id)

    def _refuse_others(self) -> None:
        """Refuse what only an administrator may do.

        Raises:
            ForbiddenError: The actor is none.
        """
        actor = self._acting()
        if not actor.administers:
            self._note_refusal(actor, "role", str(actor.role))
            raise ForbiddenError(messages.MAY_NOT_ADMINISTER(role=str(actor.role)))

    def _audit(
        self,
        session: Session,
        action: str,
        kind: str,
        object_id: str,
        detail: str = "",
        *,
        by: str = "",
        origin: str = "",
    ) -> None:
        """Note a change, in the change's own transaction.

        Args:
            session: The open transaction.
            action: What was done, such as `create`.
            kind: What kind of row it was done to, such as `session`.
            object_id: The row's id.
            detail: A few words more, without health data, labels or file names.
            by: The person who made the change; empty where nobody is named. With accounts, it is the account's name.
            origin: The network address that it came from, where the actor does not know it.
        """
        session.info[_ENTRIES].append(Entry(by.strip(), action, kind, object_id, detail, origin))

    def _clear_erased_bytes(self) -> bool:
        """Empty SQLite's write-ahead log, which still holds the erased pages; vacuum PostgreSQL's tables."""
        with store_errors(self._url):
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            with connection:
                if self._engine.dialect.name == "postgresql":
                    connection.execute(text(f"VACUUM {HEALTH_TABLES}"))
                    return True
                # Readers are not waited for as long as a lock is: whoever erases tries again, and says so.
                patience_ms = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {min(patience_ms, READER_MS)}")
                busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {patience_ms}")
                return not busy


@contextmanager
def _seen_by(session: Session, actor: Actor) -> Iterator[None]:
    """Let the session see what an actor may see, and call subjects as the actor may call them."""
    limit_to(session, actor)
    if actor.sees_names:
        yield
        return
    query = select(SubjectRow.label, SubjectRow.pseudonym)
    by_label = {label: pseudonym or "" for label, pseudonym in session.execute(query)}
    with use_pseudonyms(Pseudonyms(by_label)):
        yield


def get_row(session: Session, table: type[Row], row_id: str, *, lock: bool = False) -> Row:
    """Load the row with this id.

    Args:
        session: The open transaction.
        table: The row's table.
        row_id: The row's primary key.
        lock: Whether to lock the row until the transaction ends.

    Raises:
        NotFoundError: The table has no such row.
    """
    # PostgreSQL takes no text with a NUL character, and no id has one.
    row = None if "\0" in row_id else session.get(table, row_id, with_for_update=True if lock else None)
    if row is None:
        kind = messages.KINDS.get(table.__tablename__)
        name = table.__tablename__.removesuffix("s") if kind is None else kind()
        hidden = (table.__tablename__.removesuffix("s"), row_id) if _is_hidden(session, table, row_id) else None
        raise NotFoundError(messages.NO_ROW(kind=name, row_id=row_id[:60]), hidden)
    return row


def _is_hidden(session: Session, table: type[Base], row_id: str) -> bool:
    """Return whether there is a row that the session's actor may not see."""
    if not is_limited(session) or "\0" in row_id:
        return False
    with unlimited(session):
        return session.get(table, row_id) is not None


def stored(session: Session, row: Row) -> Row:
    """Write pending changes and return the row as the database now holds it, with dates in UTC.

    Args:
        session: The open transaction.
        row: A row of it.
    """
    session.flush()
    session.refresh(row)
    return row


def one_line(text: str, longest: int, name: Message) -> str:
    """Return a text in composed letters (NFC), without the spaces around it.

    Args:
        text: What a person wrote.
        longest: The most characters it may have.
        name: What the text is called in the error.

    Raises:
        InputError: The text is empty, too long, or not one line.
    """
    cleaned = unicodedata.normalize("NFC", text.strip())
    if not 1 <= len(cleaned) <= longest or not cleaned.isprintable():
        raise InputError(messages.ONE_LINE(what=name, longest=longest))
    return cleaned


def new_id() -> str:
    """Make a random UUID."""
    return str(uuid4())


def utc_now() -> datetime:
    """Return the present moment, timezone-aware."""
    return datetime.now(UTC)


def database_time(session: Session) -> datetime:
    """Return the present moment by the database's clock, which is the same for programs on different machines.

    SQLite has no clock: there it is that of the machine, on which all its programs run.

    Args:
        session: The open transaction.
    """
    if session.get_bind().dialect.name != "postgresql":
        return utc_now()
    # Not the transaction's time: a sign of life that was committed meanwhile would lie ahead of it.
    moment: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return moment


def tidy_frame(rows: Sequence[Sequence[Any]], columns: dict[str, str]) -> pd.DataFrame:
    """Build a frame whose columns and dtypes do not depend on its rows: an empty one has them too.

    Args:
        rows: The rows' values, in the order of the columns. None becomes NaN, NaT, NA or None, all of which `isna`
            knows.
        columns: The dtype of each column by its name, such as `float64`, `TIME`, `TEXT` or `WHOLE`.
    """
    import pandas as pd  # a quarter of a second, which only tables need

    frame = pd.DataFrame([tuple(row) for row in rows], columns=list(columns), dtype=object)
    times = [name for name, dtype in columns.items() if dtype == TIME]
    for name in times:
        frame[name] = pd.to_datetime(frame[name], utc=True)
    # Text keeps the dtype that pandas chooses: turning it into one would make a missing value the word "None".
    return frame.astype({name: dtype for name, dtype in columns.items() if dtype != TEXT}).infer_objects()


TIME = "datetime64[us, UTC]"
TEXT = "str"
WHOLE = "Int64"
"""Whole numbers of which some may be missing."""
