"""Settings of the installation."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from db.queries.base import Queries, utc_now
from db.tables import SettingRow


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

        Raises:
            ForbiddenError: The actor is no administrator.
        """
        self._refuse_others()
        with self._writing() as session:
            for key, value in values.items():
                session.merge(SettingRow(key=key, value=value, updated_at=utc_now()))
                self._audit(session, "set", "setting", key, value, by=by)
