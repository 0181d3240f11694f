"""Settings that people change while the product runs. The environment comes first, then theirs, then the default.

`current_settings` is the one place where the three meet; uploads, pages, command line and worker all use it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import TypeAdapter, ValidationError

from db.urls import may_exist
from fer_phq.core.errors import SettingsError
from fer_phq.core.messages import Message
from service import messages
from service.settings import AppSettings

if TYPE_CHECKING:
    from db.store import Store

log = logging.getLogger(__name__)
FORMER_HELP_LINE = "help_line"
"""Key under which the help lines alone were stored before the whole message could be changed."""

CHANGEABLE: dict[str, Message] = {
    "fps": messages.FPS(),
    "coverage_floor": messages.COVERAGE_FLOOR(),
    "retention_days": messages.RETENTION_DAYS(),
    "questionnaire_days": messages.QUESTIONNAIRE_DAYS(),
    "item9_message": messages.ITEM9_MESSAGE(),
    "consent_text": messages.CONSENT_TEXT(),
    "consent_version": messages.CONSENT_VERSION(),
    "language": messages.LANGUAGE(),
}
"""The settings that can be changed, each with the message about a value that cannot be used."""
OPTIONAL = ("retention_days", "questionnaire_days", "language")
"""Settings for which an empty value stands for None."""


def current_settings(settings: AppSettings, store: Store | None = None) -> AppSettings:
    """Return the settings that are in force now.

    Args:
        settings: The environment's, with the caller's overrides.
        store: Where changed settings are; None looks into the installation's own database, if there is one.

    Raises:
        StoreError: The database cannot be read.
    """
    if store is not None:
        return settings.model_copy(update=_stored_values(settings, store.settings.list_all()))
    if not may_exist(settings.database_url):
        return settings
    from db.migrate import current_revision, head_revision  # half a second, which an installation without a store saves
    from db.store import Store

    if current_revision(settings.database_url) != head_revision():
        return settings  # nothing is stored yet, or by an older version
    with Store(settings.database_url, actor="cli") as installation:
        return settings.model_copy(update=_stored_values(settings, installation.settings.list_all()))


def environment_variables(settings: AppSettings) -> dict[str, str]:
    """Return the changeable settings that the environment decides, each with the name of its variable.

    Args:
        settings: The environment's, with the caller's overrides.
    """
    return {name: f"FERPHQ_{name.upper()}" for name in CHANGEABLE if name in settings.model_fields_set}


def change_settings(settings: AppSettings, store: Store, values: Mapping[str, Any], *, by: str) -> dict[str, str]:
    """Store changed settings, all or none.

    Args:
        settings: The environment's, with the caller's overrides.
        store: Where changed settings are.
        values: The settings by name. A number may be a text; None or "" is a retention without end, no
            questionnaire that is due, or each viewer's own language.
        by: Who changes them, for the audit: one line of 1 to 80 characters.

    Returns:
        The settings that changed, as they are stored.

    Raises:
        SettingsError: A value cannot be used, the environment decides a setting, a consent text changes without its
            version, or `by` is empty.
    """
    variables = environment_variables(settings)
    for name in values:
        if name not in CHANGEABLE:
            raise SettingsError(messages.UNKNOWN_SETTING(name=name))
        if name in variables:
            raise SettingsError(messages.SET_BY_ENVIRONMENT(variable=variables[name]))
    if not by.strip() or len(by) > 80 or not by.isprintable():
        raise SettingsError(messages.NOBODY_CHANGES())
    before = current_settings(settings, store)
    after = {name: _validate(name, value) for name, value in values.items()}
    changed = {name: value for name, value in after.items() if value != getattr(before, name)}
    if "consent_text" in changed and after.get("consent_version", before.consent_version) == before.consent_version:
        raise SettingsError(messages.SAME_CONSENT_VERSION())
    texts = {name: "" if value is None else str(value) for name, value in changed.items()}
    if texts:
        store.settings.set_many(values=texts, by=by)
    return texts


def _stored_values(settings: AppSettings, stored: Mapping[str, str]) -> dict[str, Any]:
    """Return the stored settings that the environment does not decide."""
    variables = environment_variables(settings)
    values = {}
    for name in CHANGEABLE.keys() & stored.keys():
        if name in variables:
            continue
        try:
            values[name] = _validate(name, stored[name])
        except SettingsError:
            log.warning("the stored setting %s cannot be used; the default holds", name)
    if FORMER_HELP_LINE in stored and "item9_message" not in values and "item9_message" not in variables:
        default = AppSettings.model_fields["item9_message"].default
        values["item9_message"] = f"{default}\n\n{stored[FORMER_HELP_LINE]}"
    return values


def _validate(name: str, value: Any) -> Any:
    """Return the value as its field has it. Raises SettingsError with the field's message."""
    if isinstance(value, str):
        value = value.strip()
    if name in OPTIONAL and value in ("", None):
        return None
    field = AppSettings.model_fields[name]
    annotated: Any = Annotated[field.annotation, field]
    try:
        return TypeAdapter(annotated).validate_python(value)
    except ValidationError:
        raise SettingsError(CHANGEABLE[name]) from None
