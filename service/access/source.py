"""Where a request comes from, and whether it may be answered.

A page of another origin must read nothing here: not under another host name that leads to this machine (DNS
rebinding), not by fetch, frame or websocket. A link on another site may open a page.
"""

from __future__ import annotations

import ipaddress
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from fer_phq.core.errors import FerPhqError
from service.access import messages
from service.access.listening import is_loopback
from service.settings import AppSettings

FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
"""Headers by which a proxy tells for whom it asks. Anybody else can write them, too."""
PROGRAM_PATHS = ("/v1/", "/healthz", "/readyz", "/metrics")
"""Where the API for programs answers. Its errors are problems (RFC 9457)."""
INNER_PATHS = (
    *PROGRAM_PATHS,
    *("/api/", "/_stcore/", "/media/", "/component/", "/static/", "/app/static/", "/logout"),
)
"""Where no page lies: a link on another site does not lead there."""


class RefusedError(FerPhqError):
    """A request comes from another site or uses a host name that this installation does not have."""


@dataclass(frozen=True)
class Source:
    """Where a request comes from.

    Attributes:
        client: The address that asks, as a trusted proxy reports it; '' where it is not known.
        is_forwarded: Whether somebody in between may ask for another, who is not known.
        is_encrypted: Whether the browser's connection is known to be encrypted.
        hosts: The host names with ports under which it asks: of the request, and of a trusted proxy.
        origin: The `Origin` header; None where there is none.
        site: The `Sec-Fetch-Site` header; '' where there is none.
        is_navigation: Whether a browser opens it as a page of its own, in a tab and not in a frame.
        path: The path that is asked for.
    """

    client: str
    is_forwarded: bool
    is_encrypted: bool
    hosts: tuple[str, ...]
    origin: str | None
    site: str
    is_navigation: bool
    path: str


def read_source(settings: AppSettings, scope: MutableMapping[str, Any]) -> Source:
    """Read where a request comes from. Forwarding headers are believed of a trusted proxy only.

    Args:
        settings: The installation, which names the trusted proxies.
        scope: The ASGI scope of a request or websocket.
    """
    headers = Headers(scope=scope)
    peer = str((scope.get("client") or ("",))[0])
    trusted = is_trusted_proxy(settings, peer)
    secure = scope.get("scheme") in ("https", "wss")
    hosts = headers.getlist("host")
    client = peer
    if trusted:
        secure = secure or _last(headers, "x-forwarded-proto").lower() in ("https", "wss")
        hosts += headers.getlist("x-forwarded-host")
        client = _forwarded_client(settings, headers) or peer
    mode = headers.get("sec-fetch-mode", "")
    return Source(
        client=client,
        is_forwarded=client == peer if trusted else any(name in headers for name in FORWARDED),
        is_encrypted=secure,
        hosts=tuple(hosts),
        origin=headers.get("origin"),
        site=headers.get("sec-fetch-site", ""),
        is_navigation=scope.get("method") in ("GET", "HEAD")
        and mode == "navigate"
        and headers.get("sec-fetch-dest") == "document",
        path=str(scope.get("path", "")),
    )


def is_trusted_proxy(settings: AppSettings, address: str) -> bool:
    """Return whether an address is a proxy that the settings name.

    Args:
        settings: The installation.
        address: The address of the connection's other end.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(parsed in ipaddress.ip_network(network, strict=False) for network in settings.trusted_proxy)


def check_source(settings: AppSettings, source: Source) -> None:
    """Refuse requests of other sites: by the Host header (against DNS rebinding) and by Origin and Sec-Fetch-Site.

    A request without Origin (a script, a media element) passes: its token or login decides.

    Args:
        settings: The installation, with the allowed hosts and origins.
        source: Where the request comes from.

    Raises:
        RefusedError: The request comes from another site, or under another host name.
    """
    for host in source.hosts or ("",):
        if not _is_allowed_host(settings, host):
            raise RefusedError(messages.UNKNOWN_HOST(host=host))
    if source.origin is not None:
        if source.origin not in settings.allowed_origins and not _is_same_origin(source):
            raise RefusedError(messages.OTHER_ORIGIN())
    elif source.site not in ("", "same-origin", "none") and not _opens_page(source):
        raise RefusedError(messages.OTHER_SITE())


def sees_operations(source: Source) -> bool:
    """Return whether a request may read how the installation does: workers, disk, database.

    A program on this machine may. Whoever comes through a proxy may not.

    Args:
        source: Where the request comes from.
    """
    return is_loopback(source.client) and not source.is_forwarded


def _is_allowed_host(settings: AppSettings, host: str) -> bool:
    name = host_name(host)
    if name in {allowed.lower() for allowed in settings.allowed_hosts}:
        return True
    if is_loopback(settings.address):
        return is_loopback(name)
    if settings.allowed_hosts:
        return False
    # An address cannot be rebound to another machine, as a name can.
    return is_loopback(name) or name == settings.address.lower() or _is_address(name)


def host_name(host: str) -> str:
    """Return the name of a Host header without its port; '' for one that is no host and port.

    Args:
        host: The header.
    """
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises ValueError for what is no port
    except ValueError:
        return ""
    plain = parts.netloc == host and "@" not in host
    return (parts.hostname or "").lower() if plain else ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_same_origin(source: Source) -> bool:
    try:
        origin = urlsplit(source.origin or "")
    except ValueError:
        return False
    schemes = ("https",) if source.is_encrypted else ("http", "https")
    return origin.scheme in schemes and origin.netloc.lower() in {host.lower() for host in source.hosts}


def _opens_page(source: Source) -> bool:
    return source.is_navigation and not source.path.startswith(INNER_PATHS)


def _last(headers: Headers, name: str) -> str:
    """Return the last value of a header, which the nearest proxy wrote; '' where there is none."""
    return ",".join(headers.getlist(name)).rpartition(",")[2].strip()


def _forwarded_client(settings: AppSettings, headers: Headers) -> str:
    """Return the last address of `X-Forwarded-For` that is no trusted proxy; '' where there is none."""
    for entry in reversed(",".join(headers.getlist("x-forwarded-for")).split(",")):
        address = entry.strip()
        if address and not is_trusted_proxy(settings, address):
            return address
    return ""
