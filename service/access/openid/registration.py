"""How this installation is registered with a provider of identities."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from fer_phq.core.errors import SettingsError
from service.access import messages
from service.access.listening import is_loopback
from service.settings import AppSettings


@dataclass(frozen=True)
class Registration:
    """This installation as a client of a provider.

    Attributes:
        issuer: The provider's address, as it calls itself.
        client_id: What it calls this installation.
        client_secret: What it gave this installation; '' for a client without a secret.
        claim: The claim that accounts are entered under.
        acr: Levels of authentication of which it must vouch for one; empty for any.
        amr: Methods of authentication of which it must have used one; empty for any.
        max_age_s: Age in seconds at which it asks the person again.
        must_tell_age: Whether it must say when it asked.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    claim: str
    acr: tuple[str, ...]
    amr: tuple[str, ...]
    max_age_s: int
    must_tell_age: bool

    @property
    def is_here(self) -> bool:
        """Whether the provider is a program of this machine, which need not encrypt."""
        return is_loopback(host_of(self.issuer))


def read_registration(settings: AppSettings) -> Registration | None:
    """Return how the installation is registered; None where people log in with passwords alone.

    Args:
        settings: The installation.

    Raises:
        SettingsError: The settings do not fit together, or the file of the secret cannot be read.
    """
    issuer, client_id = settings.oidc_issuer, settings.oidc_client_id
    if issuer is None and client_id is None:
        return None
    if issuer is None or client_id is None:
        raise SettingsError(messages.OIDC_HALF())
    max_age = settings.oidc_max_age_minutes
    minutes = settings.login_idle_minutes if max_age is None else max_age
    registration = Registration(
        issuer=issuer,
        client_id=client_id,
        client_secret=_read_secret(settings.oidc_client_secret_file),
        claim=settings.oidc_claim,
        acr=settings.oidc_require_acr,
        amr=settings.oidc_require_amr,
        max_age_s=round(60 * minutes),
        must_tell_age=max_age is not None,
    )
    if not is_usable_address(issuer, may_be_here=registration.is_here) or "?" in issuer:
        raise SettingsError(messages.OIDC_ISSUER(issuer=issuer))
    return registration


def is_usable_address(address: str, *, may_be_here: bool) -> bool:
    """Return whether something may be fetched from an address: encrypted, or from this machine.

    Args:
        address: The address.
        may_be_here: Whether the provider is a program of this machine.
    """
    host = host_of(address)
    if not host or not address.isprintable() or " " in address:
        return False
    parts = urlsplit(address)
    if parts.fragment or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and may_be_here and is_loopback(host))


def host_of(address: str) -> str:
    """Return the host of an address; '' for one that has none, or is no address.

    Args:
        address: The address.
    """
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises ValueError for what is no port
    except ValueError:
        return ""
    return parts.hostname or ""


def _read_secret(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        secret = path.read_text(encoding="utf-8").splitlines()[0].strip()
    except (OSError, UnicodeDecodeError, IndexError) as error:
        reason = getattr(error, "strerror", None) or "it is empty or no text"
        raise SettingsError(messages.OIDC_SECRET_FILE(file=str(path), reason=reason)) from error
    if not secret:
        raise SettingsError(messages.OIDC_SECRET_FILE(file=str(path), reason="it is empty or no text"))
    return secret
