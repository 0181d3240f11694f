"""Which checkpoint bundle is used: the environment's, else what a person made active, else the one that ships."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

from db.migrate import current_revision, head_revision, upgrade
from db.store import Store
from fer_phq.core.errors import FerPhqError, ModelError, SettingsError
from fer_phq.models.checkpoint import SHIPPED, Bundle, find_bundle, find_damaged_files, models_dir, read_bundle
from service.settings import AppSettings

KEY = "active_model"
"""The store's setting: a bundle's model id, so that a bundle that was replaced meanwhile is not used unseen."""


def active_model(settings: AppSettings, store: Store | None = None) -> str | None:
    """Name, id or folder for `find_bundle`; None stands for the bundle that ships. StoreError when it cannot be read.

    Without a store it is looked up in the installation's own, if there is one.
    """
    if settings.model:
        return settings.model
    if store is not None:
        return store.settings.get(key=KEY) or None
    if current_revision(settings.database_url) != head_revision():
        return None  # nothing is kept yet, or by an older version that had no such setting
    with Store(settings.database_url, actor="cli") as own:
        return own.settings.get(key=KEY) or None


def active_bundle(settings: AppSettings, store: Store | None = None) -> Bundle:
    """The active bundle. ModelError when what was made active is not there any more."""
    chosen = active_model(settings, store)
    try:
        return find_bundle(chosen)
    except ModelError:
        if settings.model:
            raise
        raise ModelError(
            f"The active model {chosen} is not on this machine any more: choose another with `fer-phq models activate`."
        ) from None


def preferred_model(settings: AppSettings, store: Store) -> str | None:
    """Model id whose analyses stand for their sessions in lists; None, the newest do, when there is no such bundle."""
    chosen = active_model(settings, store)
    if chosen is None:
        return _shipped_id()
    if not settings.model:
        return chosen  # the store keeps the id itself
    try:
        return find_bundle(chosen).model_id
    except ModelError:
        return None


@cache
def _shipped_id() -> str:
    """The shipped bundle's id: hashing its weights takes longer than drawing a list."""
    return read_bundle(SHIPPED).model_id


def activate(settings: AppSettings, name: str, store: Store | None = None) -> Bundle:
    """Make a bundle the active one; a folder outside the models' is copied there first. New analyses use it.

    Without a store the installation's own is brought up to date and opened. A process that has it open hands it over.
    Raises SettingsError while FERPHQ_MODEL decides, ModelError or FerPhqError for a bundle that cannot be used.
    """
    if settings.model:
        raise SettingsError("FERPHQ_MODEL names the active model: unset it, then choose here.")
    bundle = find_bundle(name)
    damaged = find_damaged_files(bundle)
    if damaged:
        raise ModelError(f"{bundle.path / damaged[0]} is not the file that was written with the bundle.")
    bundle = _kept(bundle)
    if store is not None:
        store.settings.set(key=KEY, value=bundle.model_id)
        return bundle
    settings.prepare()
    upgrade(settings.database_url)
    with Store(settings.database_url, actor="cli") as own:
        own.settings.set(key=KEY, value=bundle.model_id)
    return bundle


def _kept(bundle: Bundle) -> Bundle:
    """The bundle among those that are found by their id, copied there when it lies elsewhere."""
    try:
        return find_bundle(bundle.model_id)
    except ModelError:
        pass
    place = models_dir() / bundle.path.resolve().name
    if place.exists():
        raise FerPhqError(f"{place} holds another bundle of this name: rename the folder {bundle.path}.")
    part = place.with_name(f".{place.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(bundle.path, part)
        part.rename(place)
    except OSError as error:
        raise FerPhqError(f"The bundle cannot be copied to {place}: {error.strerror}.") from None
    return find_bundle(bundle.model_id)


def own_bundle_folder(name: str) -> Path:
    """Where a bundle of this name is kept. SettingsError for a name that is no plain folder name."""
    if not name or name.startswith(".") or not all(letter.isalnum() or letter in "-_." for letter in name):
        raise SettingsError(f"'{name}' cannot be a model's name: use letters, digits, '-', '_' and '.'.")
    return models_dir() / name
