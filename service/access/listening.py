"""The address that the dashboard listens on: this machine alone, or others too, and what that needs."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Callable

from fer_phq.core.errors import SettingsError
from service.access import messages
from service.settings import AppSettings


def is_loopback(address: str) -> bool:
    """Return whether an address or host name reaches this machine alone.

    Args:
        address: An IPv4 or IPv6 address, or a host name. Of names, only `localhost` is known to be this machine.
    """
    if address.lower() == "localhost":
        return True
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)


def check_address(
    address: str, *, has_accounts: Callable[[], bool], has_encryption: bool, has_trusted_proxy: bool
) -> None:
    """Refuse to listen where others could read everything, or read what others send.

    Args:
        address: The address to listen on.
        has_accounts: Whether somebody can log in; called only where it matters.
        has_encryption: Whether the dashboard encrypts by itself.
        has_trusted_proxy: Whether a proxy that encrypts is named.

    Raises:
        SettingsError: The address is not loopback, or a proxy leads others to it, and there are no accounts or there is
            no encryption.
    """
    if is_loopback(address):
        if has_trusted_proxy and not has_accounts():
            raise SettingsError(messages.PROXY_WITHOUT_ACCOUNTS())
        return
    name = address or "every address"
    if not has_accounts():
        raise SettingsError(messages.ADDRESS_WITHOUT_ACCOUNTS(address=name))
    if not (has_encryption or has_trusted_proxy):
        raise SettingsError(messages.ADDRESS_WITHOUT_TLS(address=name))


def check_listening(settings: AppSettings, *, has_accounts: Callable[[], bool]) -> None:
    """Check that the dashboard may listen as the settings say, and that its certificate can be used.

    Args:
        settings: The installation.
        has_accounts: Whether somebody can log in.

    Raises:
        SettingsError: It may not, or the certificate or its key is missing or does not fit.
    """
    certificate, key = settings.tls_cert, settings.tls_key
    if (certificate is None) != (key is None):
        raise SettingsError(messages.TLS_HALF())
    check_address(
        settings.address,
        has_accounts=has_accounts,
        has_encryption=certificate is not None,
        has_trusted_proxy=bool(settings.trusted_proxy),
    )
    if certificate is None or key is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = messages.TLS_UNREADABLE(certificate=str(certificate), key=str(key), reason=reason)
        raise SettingsError(message) from error
