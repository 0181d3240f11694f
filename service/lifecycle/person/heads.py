"""PHQ heads that learned from somebody: a head does not unlearn, so erasing a person names them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from db.store import Store
from fer_phq.models.checkpoint import SOURCES, read_sources
from service.settings import AppSettings


def heads_that_learned(settings: AppSettings, subject_id: str, session_ids: Collection[str] = ()) -> tuple[str, ...]:
    """List the trained bundles, by name, whose heads learned from a subject or from sessions.

    Args:
        settings: The installation.
        subject_id: UUID of the subject; empty where only the sessions count.
        session_ids: UUIDs of sessions.
    """
    return tuple(
        folder.name
        for folder in _folders(settings)
        if subject_id in (sources := read_sources(folder)).values() or not sources.keys().isdisjoint(session_ids)
    )


def count_erased(store: Store, folder: Path) -> int:
    """Count the people from whom a bundle's heads learned and who, or whose sessions, were erased since.

    Args:
        store: The store whose audit says who was erased.
        folder: The bundle's folder.
    """
    sources = read_sources(folder)
    if not sources:
        return 0
    erased = store.audit.list_erased()
    return len({subject for session, subject in sources.items() if subject in erased or session in erased})


def heads_with_erased(settings: AppSettings, store: Store) -> dict[str, int]:
    """Return how many erased people each trained bundle learned from, by its name, of those that learned from any.

    Args:
        settings: The installation.
        store: Its store.
    """
    counts = {folder.name: count_erased(store, folder) for folder in _folders(settings)}
    return {name: count for name, count in counts.items() if count}


def _folders(settings: AppSettings) -> Iterator[Path]:
    """Yield the folders of the installation's own bundles that say from whom they learned."""
    for path in sorted((settings.data_dir / "models").glob(f"[!.]*/{SOURCES}")):
        yield path.parent
