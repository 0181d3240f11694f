"""The login page: plain HTML, because nothing of the dashboard is served to somebody who is not logged in."""

from __future__ import annotations

from html import escape
from pathlib import Path
from urllib.parse import quote

from dashboard.i18n import _
from dashboard.theme.palette import DARK, LIGHT, Palette
from service.access.guard import PROVIDER_PATH

LOGO = Path(__file__).parents[1] / "static" / "logo.svg"
STYLE = """
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--page);color:var(--ink);
font:15px/1.5 Inter,system-ui,sans-serif;padding:16px}
main{width:100%;max-width:380px;background:var(--card);border:1px solid var(--line);border-radius:12px;padding:28px}
svg{height:32px;width:auto;margin-bottom:12px}
h1{font-size:1.35rem;font-weight:600;margin:0 0 18px}
label{display:block;font-weight:500;margin:14px 0 4px}
input{width:100%;font:inherit;color:inherit;background:var(--page);border:1px solid var(--control);border-radius:8px;
padding:9px 11px}
button{width:100%;margin-top:22px;padding:10px;font:inherit;font-weight:600;color:var(--card);background:var(--accent);
border:0;border-radius:8px;cursor:pointer}
.provider{display:block;padding:9px;text-align:center;font-weight:600;color:var(--accent);text-decoration:none;
border:1px solid var(--accent);border-radius:8px}
.or{display:flex;align-items:center;gap:12px;margin:18px 0;color:var(--muted);font-size:.87rem}
.or::before,.or::after{content:"";flex:1;border-top:1px solid var(--line)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.error{color:var(--danger);margin:0 0 6px;font-weight:500}
.note{color:var(--muted);font-size:.87rem;margin:20px 0 0}
"""


def login_page(
    *, name: str = "", error: str = "", target: str = "/", language: str = "en", provider: bool = False
) -> str:
    """Return the page as HTML.

    Args:
        name: What was typed as name before.
        error: What was wrong with the last try; empty at the first.
        target: Where the login leads, a path of this installation.
        language: Code of the language that is spoken.
        provider: Whether people may log in with a provider of identities, too.
    """
    title = _("Log in to fer-phq")
    name_label = _("Name")
    password_label = _("Password")
    button = _("Log in")
    fields = (
        f'<label for="name">{escape(name_label)}</label>'
        f'<input id="name" name="name" autocomplete="username" required{"" if name else " autofocus"}'
        f' value="{escape(name)}">'
        f'<label for="password">{escape(password_label)}</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" required'
        f"{' autofocus' if name else ''}>"
    )
    problem = f'<p class="error" role="alert">{escape(error)}</p>' if error else ""
    note = _("Accounts and forgotten passwords: ask an administrator of this installation.")
    return (
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" '
        f'content="light dark"><title>{escape(title)}</title><style>{_colours(LIGHT)}'
        f"@media(prefers-color-scheme:dark){{{_colours(DARK)}}}{STYLE}</style></head><body><main>"
        f'{LOGO.read_text(encoding="utf-8")}<h1>{escape(title)}</h1>{problem}<form method="post" action="/login">'
        f'<input type="hidden" name="next" value="{escape(target)}">{fields}'
        f'<button type="submit">{escape(button)}</button></form>'
        f'{_provider(target) if provider else ""}<p class="note">{escape(note)}</p>'
        "</main></body></html>"
    )


def _provider(target: str) -> str:
    """Return the way through the provider: a link, because a form may not lead to another site."""
    words = escape(_("Log in with your organisation"))
    between = escape(_("or"))
    address = escape(f"{PROVIDER_PATH}?next={quote(target, safe='')}")
    return f'<p class="or"><span>{between}</span></p><a class="provider" href="{address}">{words}</a>'


def _colours(colours: Palette) -> str:
    names = ("page", "card", "line", "control", "ink", "muted", "accent", "danger")
    return ":root{" + "".join(f"--{name}:{getattr(colours, name)};" for name in names) + "}"
