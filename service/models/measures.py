"""Analyses of before there were measures get theirs from what is stored, without the recording."""

from __future__ import annotations

from db.records import NotFoundError
from db.store import Store
from fer_phq.features.measures import VERSION, VERSION_KEY, versioned_measures
from service.models.rescore import settings_of


def measure_stored(store: Store, *, limit: int | None = None) -> int:
    """Measure stored analyses that this version has not measured yet, at most `limit`; how many were.

    Each is written on its own, so it can be broken off, repeated and done by two at once.
    """
    done = 0
    for analysis_id in store.measures.list_unmeasured(mark=VERSION_KEY, version=VERSION, limit=limit):
        try:
            settings = settings_of(store.analyses.get(analysis_id=analysis_id).settings)
            found = versioned_measures(store.analyses.load_session_analysis(analysis_id=analysis_id), settings)
            store.measures.replace(analysis_id=analysis_id, measures=found)
        except NotFoundError:
            continue  # erased meanwhile
        done += 1
    return done
