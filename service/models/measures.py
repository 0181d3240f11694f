"""Measures of analyses that were stored before there were any: computed from what is stored, without the recording."""

from __future__ import annotations

from db.records import NotFoundError
from db.store import Store
from fer_phq.core.analysis import Settings
from fer_phq.features.measures import VERSION, VERSION_KEY, versioned_measures


def measure_stored(store: Store, *, limit: int | None = None) -> int:
    """Compute the measures of stored analyses that this version has not measured yet.

    Each is written on its own, so the work can be broken off, repeated and done by two processes at once.

    Args:
        store: The open store.
        limit: The most analyses to measure; None measures all.

    Returns:
        The number of analyses that were measured.
    """
    done = 0
    for analysis_id in store.measures.list_unmeasured(mark=VERSION_KEY, version=VERSION, limit=limit):
        try:
            settings = Settings.from_dict(store.analyses.get(analysis_id=analysis_id).settings)
            measures = versioned_measures(store.analyses.load_session_analysis(analysis_id=analysis_id), settings)
            store.measures.replace(analysis_id=analysis_id, measures=measures)
        except NotFoundError:
            continue  # erased meanwhile
        done += 1
    return done
