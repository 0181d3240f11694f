"""The dashboard in the viewer's language: sentences, numbers and dates. See `dashboard.i18n.translation`."""

from dashboard.i18n.translation import (
    KEYWORDS,
    LOCALES,
    SETTING,
    SOURCE,
    _,
    best,
    catalogue,
    choose,
    language,
    languages,
    mark,
    messages,
    n_,
    refresh,
    speaking,
    template,
)

__all__ = [
    "KEYWORDS",
    "LOCALES",
    "SETTING",
    "SOURCE",
    "_",
    "best",
    "catalogue",
    "choose",
    "language",
    "languages",
    "mark",
    "messages",
    "n_",
    "refresh",
    "speaking",
    "template",
]
