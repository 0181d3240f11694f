"""The checkpoint bundle in use: the environment's, else the one that a person made active, else the shipped one."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from db.urls import may_exist
from fer_phq.core.errors import FerPhqError, ModelError, SettingsError
from fer_phq.models.checkpoint import SHIPPED, Bundle, find_bundle, find_damaged_files, models_dir, read_bundle
from service.models import messages
from service.settings import AppSettings

if TYPE_CHECKING:
    from db.store import Store

KEY = "active_model"
"""The store's setting: a bundle's model id, so that a bundle that was replaced meanwhile is not used unnoticed."""


def active_model(settings: AppSettings, store: Store | None = None) -> str | None:
    """Return the active model as a reference for `find_bundle`.

    Args:
        settings: The installation's settings.
        store: The open store; None looks into the installation's own, if there is one.

    Returns:
        A name, id or folder; None for the bundle that ships.

    Raises:
        StoreError: The store cannot be read.
    """
    if settings.model:
        return settings.model
    if store is not None:
        return store.settings.get(key=KEY) or None
    if not may_exist(settings.database_url):
        return None
    from db.migrate import current_revision, head_revision  # half a second, which an installation without a store saves
    from db.store import Store

    if current_revision(settings.database_url) != head_revision():
        return None  # there is no store yet, or one of an older version that had no such setting
    with Store(settings.database_url, actor="cli") as opened:
        return opened.settings.get(key=KEY) or None


def active_bundle(settings: AppSettings, store: Store | None = None) -> Bundle:
    """Return the active bundle.

    Args:
        settings: The installation's settings.
        store: The open store; None looks into the installation's own, if there is one.

    Raises:
        ModelError: The active bundle is not on this machine any more, or cannot be used.
        StoreError: The store cannot be read.
    """
    reference = active_model(settings, store)
    try:
        return find_bundle(reference)
    except ModelError:
        if settings.model:
            raise
        raise ModelError(messages.ACTIVE_MODEL_GONE(chosen=str(reference))) from None


def preferred_model(settings: AppSettings, store: Store) -> str | None:
    """Return the model id whose analyses stand for their sessions in lists.

    Args:
        settings: The installation's settings.
        store: The open store.

    Returns:
        The id; None, for each session's newest analysis, where there is no such bundle.
    """
    reference = active_model(settings, store)
    if reference is None:
        return _shipped_id()
    if not settings.model:
        return reference  # the store keeps the id itself
    try:
        return find_bundle(reference).model_id
    except ModelError:
        return None


@cache
def _shipped_id() -> str:
    """Return the shipped bundle's id, computed once: hashing its weights takes longer than drawing a list."""
    return read_bundle(SHIPPED).model_id


def activate(settings: AppSettings, name: str, store: Store | None = None) -> Bundle:
    """Make a bundle the active one, which new analyses use; a folder outside the models' is copied there first.

    Args:
        settings: The installation's settings.
        name: Name, id or folder of the bundle.
        store: The open store; None brings the installation's own up to date and opens it.

    Returns:
        The bundle among the installation's models.

    Raises:
        SettingsError: FERPHQ_MODEL decides.
        ModelError: There is no such bundle, or it is damaged.
        FerPhqError: The bundle cannot be copied.
    """
    if settings.model:
        raise SettingsError(messages.ENVIRONMENT_DECIDES())
    bundle = find_bundle(name)
    damaged = find_damaged_files(bundle)
    if damaged:
        raise ModelError(messages.DAMAGED_FILE(path=str(bundle.path / damaged[0])))
    bundle = _copy_to_models(bundle)
    if store is not None:
        store.settings.set(key=KEY, value=bundle.model_id)
        return bundle
    from db.migrate import upgrade
    from db.store import Store

    settings.prepare()
    upgrade(settings.database_url)
    with Store(settings.database_url, actor="cli") as opened:
        opened.settings.set(key=KEY, value=bundle.model_id)
    return bundle


def _copy_to_models(bundle: Bundle) -> Bundle:
    """Return the bundle among those that are found by their id, copied there when it lies elsewhere."""
    try:
        return find_bundle(bundle.model_id)
    except ModelError:
        pass
    folder = models_dir() / bundle.path.resolve().name
    if folder.exists():
        raise FerPhqError(messages.NAME_OF_OTHER_BUNDLE(place=str(folder), path=str(bundle.path)))
    part = folder.with_name(f".{folder.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(bundle.path, part)
        part.rename(folder)
    except OSError as error:
        raise FerPhqError(messages.BUNDLE_NOT_COPIED(place=str(folder), strerror=str(error.strerror))) from None
    return find_bundle(bundle.model_id)


def bundle_folder(name: str) -> Path:
    """Return where a bundle of this name lies among the installation's models.

    Args:
        name: The bundle's name.

    Raises:
        SettingsError: The name is no plain folder name.
    """
    if not name or name.startswith(".") or not all(letter.isalnum() or letter in "-_." for letter in name):
        raise SettingsError(messages.INVALID_NAME(name=name))
    return models_dir() / name
