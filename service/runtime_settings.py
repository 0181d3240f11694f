"""Settings that people choose while the product runs: the environment's word first, then theirs, then the default.

`current` is the one place where the three meet; uploads, pages, command line and worker all go by it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from db.migrate import current_revision, head_revision
from db.store import Store
from fer_phq.core.errors import SettingsError
from service.settings import AppSettings

log = logging.getLogger("fer_phq.service")
OLD_HELP_LINE = "help_line"
"""Where the help lines alone were kept before the whole message could be chosen."""

REFUSALS: dict[str, str] = {
    "fps": "The sampling rate must be a number above 0 and at most 240 frames/s.",
    "coverage_floor": "The floor of coverage must be a share from 0 to 1 (0.3 is 30 %).",
    "retention_days": (
        "The retention must be a whole number of days from 1 to 36500, or empty to keep recordings until they are "
        "erased by hand."
    ),
    "item9_message": "The message for item 9 must hold 1 to 2000 characters.",
    "consent_text": "The consent text must hold 1 to 2000 characters.",
    "consent_version": "The version of the consent text must be one line of 1 to 40 characters.",
    "language": "The language must be a code such as en or de, or empty for each viewer's own.",
}
"""The settings that can be chosen, each with what is said of a value that cannot be used."""
MAY_BE_EMPTY = ("retention_days", "language")
"""Of these, an empty value is a choice as well: None."""


def current(settings: AppSettings, store: Store | None = None) -> AppSettings:
    """The settings that hold now. `settings` are the environment's, with what the caller said on top.

    Without a store the installation's own is looked up, if there is one. StoreError when it cannot be read.
    """
    if store is not None:
        return settings.model_copy(update=_free(settings, store.settings.list_all()))
    if current_revision(settings.database_url) != head_revision():
        return settings  # nothing is kept yet, or by an older version
    with Store(settings.database_url, actor="cli") as own:
        return settings.model_copy(update=_free(settings, own.settings.list_all()))


def fixed(settings: AppSettings) -> dict[str, str]:
    """Of the settings that could be chosen, those that the environment decides, with the variable's name."""
    return {name: f"FERPHQ_{name.upper()}" for name in REFUSALS if name in settings.model_fields_set}


def choose(settings: AppSettings, store: Store, values: Mapping[str, Any], *, by: str) -> dict[str, str]:
    """Keep choices, all or none, under the name of who makes them; those that changed are returned as kept.

    A number may come as text; None or "" is a retention without end, and each viewer's own language. Raises
    SettingsError, in one sentence, for a value that cannot be used, one that the environment decides, a consent text
    that changes without its version, or when nobody says who chooses.
    """
    held = fixed(settings)
    for name in values:
        if name not in REFUSALS:
            raise SettingsError(f"There is no setting named {name} that can be chosen.")
        if name in held:
            raise SettingsError(f"{held[name]} decides this setting: unset it, then choose here.")
    if not by.strip() or len(by) > 80 or not by.isprintable():
        raise SettingsError("Say who changes the settings, in one line of at most 80 characters.")
    before = current(settings, store)
    wanted = {name: _checked(name, value) for name, value in values.items()}
    changed = {name: value for name, value in wanted.items() if value != getattr(before, name)}
    if "consent_text" in changed and wanted.get("consent_version", before.consent_version) == before.consent_version:
        raise SettingsError("The consent text has changed: give it a new version, so that old consents stay clear.")
    kept = {name: "" if value is None else str(value) for name, value in changed.items()}
    if kept:
        store.settings.set_many(values=kept, by=by)
    return kept


def _free(settings: AppSettings, stored: Mapping[str, str]) -> dict[str, Any]:
    """What was chosen and may decide: everything that the environment says nothing of."""
    held = fixed(settings)
    free = {}
    for name in REFUSALS.keys() & stored.keys():
        if name in held:
            continue
        try:
            free[name] = _checked(name, stored[name])
        except SettingsError:
            log.warning("the stored setting %s cannot be used; the default holds", name)
    if OLD_HELP_LINE in stored and "item9_message" not in free and "item9_message" not in held:
        default = AppSettings.model_fields["item9_message"].default
        free["item9_message"] = f"{default}\n\n{stored[OLD_HELP_LINE]}"
    return free


def _checked(name: str, value: Any) -> Any:
    """The value as its field has it. SettingsError with the field's own sentence."""
    if isinstance(value, str):
        value = value.strip()
    if name in MAY_BE_EMPTY and value in ("", None):
        return None
    field = AppSettings.model_fields[name]
    kind: Any = Annotated[field.annotation, field]
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError:
        raise SettingsError(REFUSALS[name]) from None
