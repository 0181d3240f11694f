"""Scoring stored sessions again with the active model, started from the dashboard: `fer-phq reanalyse` as a process.

Its state and log lie in `<data>/scoring`; one runs at a time. It needs no recording, and earlier analyses stay.
"""

from __future__ import annotations

from db.store import Store
from service.models.active_model import active_bundle
from service.models.task import Background, Task
from service.settings import AppSettings


def waiting(settings: AppSettings, store: Store) -> int:
    """How many stored sessions the active model's heads can score and have not. ModelError without a usable one."""
    bundle = active_bundle(settings, store)
    if bundle.config.phq is None:
        return 0
    return len(store.labels.list_rescorable(face_kind=bundle.face_kind, model_id=bundle.model_id))


def start(settings: AppSettings) -> None:
    """Score them. Raises ModelError without a usable active model, FerPhqError while a scoring runs."""
    bundle = active_bundle(settings)
    _background(settings).start(bundle.model_id, ["reanalyse", "--model", str(bundle.path.absolute())])


def status(settings: AppSettings) -> Task | None:
    """The scoring that runs or ran last; its name is the model's id. None when there was none."""
    return _background(settings).status()


def cancel(settings: AppSettings) -> None:
    """Stop it; what it has scored stays. Raises FerPhqError when it does not stop."""
    _background(settings).cancel()


def _background(settings: AppSettings) -> Background:
    return Background(settings, "scoring")
