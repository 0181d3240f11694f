"""What is fetched from a provider of identities: JSON, small, in a short time, from the address itself."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from service.access.listening import is_loopback
from service.access.openid.registration import host_of

MAX_BYTES = 512 * 1024
"""Most that a provider's answer may hold."""
SILENCE_S = 5.0
"""Longest silence of a provider, in seconds."""
TOTAL_S = 10.0
"""Longest time that an answer may take, in seconds."""


class FetchError(Exception):
    """A provider did not answer, or with something else than a small JSON object.

    Attributes:
        refused: Whether it answered that the request is not for it to grant (status 4xx).
    """

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        """Take the reason.

        Args:
            reason: Why, for the log.
            refused: Whether the provider answered with a status of 4xx.
        """
        super().__init__(reason)
        self.refused = refused


class _SameAddress(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: keys and tokens come from the address that the issuer names."""

    def redirect_request(self, *arguments: Any, **options: Any) -> None:
        """Refuse to be led elsewhere."""
        return


def fetch_json(
    address: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Fetch a JSON object.

    Args:
        address: The address, which has been checked.
        form: Fields to post; None to read.
        headers: More headers of the request.

    Returns:
        The object.

    Raises:
        FetchError: There is no answer in time, or it is no JSON object, too large, or a redirect.
    """
    body = None if form is None else urlencode(form).encode()
    request = urllib.request.Request(address, body, {"Accept": "application/json", **(headers or {})})
    handlers: list[urllib.request.BaseHandler] = [_SameAddress()]
    if is_loopback(host_of(address)):
        handlers.append(urllib.request.ProxyHandler({}))
    end = time.monotonic() + TOTAL_S
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=SILENCE_S) as answer:
            document = json.loads(_read(answer, end))
    except urllib.error.HTTPError as error:
        error.close()
        raise FetchError(f"status {error.code}", refused=400 <= error.code < 500) from error
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
        raise FetchError(str(error) or type(error).__name__) from error
    if not isinstance(document, dict):
        raise FetchError("not a JSON object")
    return document


def _read(answer: http.client.HTTPResponse, end: float) -> bytes:
    """Return an answer's body.

    Raises:
        FetchError: It is too large or takes too long.
    """
    body = bytearray()
    while piece := answer.read1(65536):
        body += piece
        if len(body) > MAX_BYTES:
            raise FetchError("too large")
        if time.monotonic() > end:
            raise FetchError("too slow")
    return bytes(body)
