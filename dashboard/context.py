"""The one place where pages get the installation's settings and its store."""

from __future__ import annotations

import streamlit as st

from dashboard import viewer
from dashboard.theme.palette import Palette, palette
from db.records import AccountRecord
from db.store import Store
from fer_phq.core.errors import FerPhqError
from service.access.control import AccessControl
from service.models import active_model
from service.runtime_settings import current_settings
from service.settings import AppSettings, load_settings

_settings: AppSettings | None = None


def use(settings: AppSettings | None) -> None:
    """Make these the settings of every page of this process; None goes back to the environment's."""
    global _settings
    _settings = settings


def environment_settings() -> AppSettings:
    """Return the settings handed over at launch, or those of the environment.

    Raises:
        SettingsError: A value cannot be used.
    """
    return _settings if _settings is not None else load_settings()


def settings() -> AppSettings:
    """Return the settings in force: those of launch, with what people chose where the environment says nothing."""
    return current_settings(environment_settings(), store())


def store() -> Store:
    """Return the store of the current settings, opened once for all viewers; each sees in it what they may see.

    Raises:
        StoreError: The database cannot be used.
    """
    return _open(environment_settings().database_url)


def control() -> AccessControl:
    """Return the access control of the current settings, once for all viewers.

    Raises:
        StoreError: The database cannot be used.
    """
    return _control(environment_settings().database_url)


def account() -> AccountRecord | None:
    """Return the viewer's account; None where nobody is logged in.

    Raises:
        StoreError: The database cannot be used.
    """
    return viewer.account(control())


def preferred_model() -> str | None:
    """Return the id of the active model, whose analyses stand for their sessions in lists; None when unknown."""
    try:
        return active_model.preferred_model(settings(), store())
    except FerPhqError:  # the page has other ways to say what is wrong
        return None


def colours() -> Palette:
    """Return the palette of the viewer's mode."""
    theme = st.context.theme
    return palette(theme.type if theme is not None else None)


@st.cache_resource(show_spinner=False, max_entries=4, on_release=lambda opened: opened.close())
def _open(url: str) -> Store:
    return Store(url, actor=lambda: viewer.actor(_control(url)))


@st.cache_resource(show_spinner=False, max_entries=4, on_release=lambda control: control.close())
def _control(url: str) -> AccessControl:
    return AccessControl(environment_settings(), Store(url, actor=viewer.PROGRAM), viewer.PROGRAM)
