"""What an installation keeps of itself: settings and the audit."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from db.queries.base import Queries, utc_now
from db.records import AuditRecord
from db.tables import AuditRow, SettingRow


class SettingQueries(Queries):
    """Settings of the whole installation."""

    def get(self, *, key: str) -> str | None:
        """Read a setting of the whole installation; None where it was never set."""
        with self._reading() as session:
            row = session.get(SettingRow, key)
            return None if row is None else row.value

    def list_all(self) -> dict[str, str]:
        """Read every setting that was ever set: value by key."""
        with self._reading() as session:
            return {row.key: row.value for row in session.scalars(select(SettingRow))}

    def set(self, *, key: str, value: str) -> None:
        """Set a setting of the whole installation. The audit keeps key and value: no secrets or health data here.

        Args:
            key: The setting's name.
            value: Its new value.
        """
        self.set_many(values={key: value})

    def set_many(self, *, values: Mapping[str, str], by: str = "") -> None:
        """Set several settings, all or none. The audit keeps keys and values: no secrets or health data here.

        Args:
            values: The new value by the setting's name.
            by: The person who sets them, for the audit; empty where nobody is named.
        """
        with self._writing() as session:
            for key, value in values.items():
                session.merge(SettingRow(key=key, value=value, updated_at=utc_now()))
                self._audit(session, "set", "setting", key, value, by=by)


class AuditQueries(Queries):
    """Who changed what, and when."""

    def list_newest(
        self, *, limit: int = 100, object_id: str | None = None, object_kind: str | None = None
    ) -> list[AuditRecord]:
        """List changes, newest first.

        Args:
            limit: The most changes to return.
            object_id: Only changes of the row with this id; None for any.
            object_kind: Only changes of this kind of row, such as `session` or `setting`; None for any.
        """
        query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
        if object_id is not None:
            query = query.where(AuditRow.object_id == object_id)
        if object_kind is not None:
            query = query.where(AuditRow.object_kind == object_kind)
        with self._reading() as session:
            return [
                AuditRecord(row.id, row.at, row.actor, row.action, row.object_kind, row.object_id, row.detail)
                for row in session.scalars(query)
            ]
