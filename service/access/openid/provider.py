"""A provider of identities: where it is asked, its keys, and what it gives for an authorization code."""

from __future__ import annotations

import base64
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from fer_phq.core.paths import printable
from service.access import messages
from service.access.openid.fetching import FetchError, fetch_json
from service.access.openid.identity import Identity, IdentityError
from service.access.openid.registration import Registration, is_usable_address
from service.access.openid.tokens import key_id, read_token

DISCOVERY = "/.well-known/openid-configuration"
READ_AGAIN_S = 3600.0
"""Seconds for which what the provider says of itself, and its keys, are remembered."""
RETRY_S = 5.0
"""Seconds after a failure, or a key that was not there, before the provider is asked again."""
MAX_KEYS = 50
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Endpoints:
    """Where a provider is asked.

    Attributes:
        authorization: Where a person is sent to log in.
        token: Where a code becomes a token.
        keys: Where its keys are.
        takes_basic: Whether it takes the client's secret as a header, not in the form.
    """

    authorization: str
    token: str
    keys: str
    takes_basic: bool


@dataclass
class _Memory:
    """A document of the provider.

    Attributes:
        document: What it says; None before.
        at: When it was read.
        tried_at: When it was asked for last.
        lock: Held while it is fetched, so that who comes meanwhile waits for the answer.
    """

    document: dict[str, Any] | None = None
    at: float = float("-inf")
    tried_at: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)


class Provider:
    """A provider of identities. Nothing is fetched before somebody logs in with it."""

    def __init__(self, registration: Registration) -> None:
        """Take how the installation is registered.

        Args:
            registration: This installation as a client of the provider.
        """
        self.registration = registration
        self._configuration = _Memory()
        self._keys = _Memory()

    def endpoints(self) -> Endpoints:
        """Return where the provider is asked, as it says itself.

        Raises:
            IdentityError: It does not answer, or says something else than the issuer that the settings name.
        """
        registration = self.registration
        document = self._remember(self._configuration, registration.issuer.rstrip("/") + DISCOVERY)
        authorization = str(document.get("authorization_endpoint", ""))
        token = str(document.get("token_endpoint", ""))
        keys = str(document.get("jwks_uri", ""))
        here = registration.is_here
        if document.get("issuer") != registration.issuer:
            raise _failure("it names another issuer")
        if not all(is_usable_address(address, may_be_here=here) for address in (authorization, token, keys)):
            raise _failure("an endpoint is missing or not encrypted")
        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return Endpoints(authorization, token, keys, takes_basic="client_secret_basic" in methods)

    def redeem(self, code: str, *, verifier: str, redirect_uri: str, nonce: str) -> Identity:
        """Return the person for whom the provider gave a code.

        Args:
            code: The authorization code.
            verifier: The text whose hash was sent along with the question (PKCE).
            redirect_uri: Where the provider led the person back to.
            nonce: What was sent along with the question, and must be in the token.

        Raises:
            IdentityError: The provider does not answer or refuses the code, or its token must not be believed.
        """
        endpoints = self.endpoints()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers = self._authenticate(form, endpoints)
        try:
            answer = fetch_json(endpoints.token, form, headers)
        except FetchError as error:
            if error.refused:
                raise IdentityError(messages.PROVIDER_ANSWER(), "code") from error
            raise _failure(str(error)) from error
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise IdentityError(messages.PROVIDER_ANSWER(), "token")
        return read_token(token, self._keys_of(token, endpoints), self.registration, nonce)

    def _authenticate(self, form: dict[str, str], endpoints: Endpoints) -> Mapping[str, str]:
        """Return the header with which this client shows its secret, or write it into the form."""
        registration = self.registration
        if registration.client_secret and endpoints.takes_basic:
            pair = f"{quote(registration.client_id, safe='')}:{quote(registration.client_secret, safe='')}"
            return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        form["client_id"] = registration.client_id
        if registration.client_secret:
            form["client_secret"] = registration.client_secret
        return {}

    def _keys_of(self, token: str, endpoints: Endpoints) -> Sequence[Mapping[str, Any]]:
        """Return the provider's keys by which a token may be signed; they are read anew for one that is not there."""
        name = key_id(token)
        keys = _signing(self._remember(self._keys, endpoints.keys), name)
        if not keys:
            keys = _signing(self._remember(self._keys, endpoints.keys, anew=True), name)
        return keys

    def _remember(self, memory: _Memory, address: str, *, anew: bool = False) -> dict[str, Any]:
        """Return a document of the provider, read again once in a while.

        Raises:
            IdentityError: The provider does not answer.
        """
        with memory.lock:
            now = time.monotonic()
            is_current = now - memory.at < READ_AGAIN_S and not anew
            waits = now - memory.tried_at < RETRY_S
            if memory.document is not None and (is_current or waits):
                return memory.document
            if waits:
                raise IdentityError(messages.PROVIDER_SILENT(), "provider")
            memory.tried_at = now
            try:
                document = fetch_json(address)
            except FetchError as error:
                raise _failure(str(error)) from error
            memory.document = document
            memory.at = now
            return document


def _signing(document: Mapping[str, Any], name: str | None) -> list[Mapping[str, Any]]:
    """Return the keys of a set that sign, those of a name where a token names one."""
    keys = document.get("keys")
    keys = keys[:MAX_KEYS] if isinstance(keys, list) else []
    return [
        key
        for key in keys
        if isinstance(key, dict) and key.get("use", "sig") == "sig" and (name is None or key.get("kid") == name)
    ]


def _failure(reason: str) -> IdentityError:
    log.warning("the provider of identities cannot be used: %s", printable(reason))
    return IdentityError(messages.PROVIDER_SILENT(), "provider")
