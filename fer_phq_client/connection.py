"""Requests to the server: the token, errors as problems, pauses where the server is busy, pages of lists."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypedDict, Unpack

import httpx2

from fer_phq_client.errors import IncompleteError, ProblemError

TIMEOUT_S = 60.0
"""Seconds for which the server may be silent."""
TRIES = 4
"""How often a request is sent at most where the server is busy."""
LONGEST_PAUSE_S = 60.0
"""Longest pause before a request is sent again."""
BUSY = 503
PAGE = 200
"""Items of a page."""


class Options(TypedDict, total=False):
    """How a server is asked.

    Attributes:
        language: The language of sentences, such as `de`; English without.
        timeout_s: Seconds for which the server may be silent.
        transport: How requests travel; None for the network.
        sleep: Waits for seconds, where the server is busy.
    """

    language: str
    timeout_s: float
    transport: httpx2.BaseTransport | None
    sleep: Callable[[float], None]


class Connection:
    """A connection to one server, for any number of requests, one at a time."""

    def __init__(self, url: str, token: str | None = None, **options: Unpack[Options]) -> None:
        """Take the address; nothing is sent yet.

        Args:
            url: The server's address, such as `http://127.0.0.1:8600`; https where it is another machine.
            token: A token of `fer-phq tokens create`; None where the server asks for none.
            **options: How it is asked; each has its default.

        Raises:
            ValueError: The address is none, or would carry the token and people's data over a network without
                encryption.
        """
        check_url(url)
        headers = {"Accept-Language": options.get("language", "en")}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        timeout_s = options.get("timeout_s", TIMEOUT_S)
        self._http = httpx2.Client(base_url=url, headers=headers, timeout=timeout_s, transport=options.get("transport"))
        self.sleep = options.get("sleep", time.sleep)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def get(self, path: str, **params: Any) -> httpx2.Response:
        """Ask for something.

        Args:
            path: Its path.
            **params: The query; None leaves a parameter out.

        Raises:
            ProblemError: The server refuses.
            IncompleteError: The server cannot be reached, is silent for too long, or its answer broke off.
        """
        return self.send("GET", path, params={name: value for name, value in params.items() if value is not None})

    def send(self, method: str, path: str, **content: Any) -> httpx2.Response:
        """Send a request, and send it again after a pause where the server is busy.

        Args:
            method: The HTTP method.
            path: The path.
            **content: What httpx takes: `params`, `json`, `files`, `headers`.

        Raises:
            ProblemError: The server refuses, or stays busy.
            IncompleteError: The server cannot be reached, is silent for too long, or its answer broke off.
        """
        for attempt in range(TRIES):
            try:
                answer = self._http.request(method, path, **content)
            except httpx2.TransportError as error:
                words = str(error) or type(error).__name__
                raise IncompleteError(f"No whole answer of {path} came: {words}.") from error
            if answer.status_code != BUSY or attempt == TRIES - 1:
                break
            self.sleep(_pause(answer, attempt))
        if answer.is_success:
            return answer
        raise problem_of(answer)

    def pause(self, attempt: int) -> None:
        """Wait before something is tried again.

        Args:
            attempt: How often it failed; the more often, the longer.
        """
        self.sleep(min(2.0**attempt, LONGEST_PAUSE_S))

    def pages(self, path: str, **params: Any) -> Iterator[Mapping[str, Any]]:
        """Yield the items of a list, page after page.

        Args:
            path: The list's path.
            **params: The query; None leaves a parameter out.

        Raises:
            ProblemError: The server refuses.
            IncompleteError: No whole answer came.
        """
        after = None
        while True:
            page = self.get(path, **params, limit=PAGE, after=after).json()
            yield from page["items"]
            after = page["next"]
            if after is None:
                return


def check_url(url: str) -> None:
    """Check that an address carries nothing over a network without encryption.

    Args:
        url: The address.

    Raises:
        ValueError: It is no address of HTTP, or does.
    """
    parts = httpx2.URL(url)
    if parts.scheme not in ("http", "https") or not parts.host:
        raise ValueError(f"{url!r} is no address of a server: write it as http://127.0.0.1:8600 or https://...")
    if parts.scheme == "http" and not _is_this_machine(parts.host):
        raise ValueError(f"{parts.host} is another machine: ask it by https, so that nobody on the way can read along.")


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def problem_of(answer: httpx2.Response) -> ProblemError:
    """Return the error that an answer is.

    Args:
        answer: An answer that is no success.
    """
    body: Any = None
    # An answer to HEAD has a problem's headers and no body.
    if answer.content and answer.headers.get("content-type", "").startswith("application/problem+json"):
        body = answer.json()
    if not isinstance(body, Mapping):
        return ProblemError(answer.status_code, "", {}, f"The server answered {answer.reason_phrase}.")
    return ProblemError(answer.status_code, str(body["code"]), body["params"], str(body["detail"]))


def _pause(answer: httpx2.Response, attempt: int) -> float:
    """Return how many seconds to wait: those that the server names, else longer with each attempt."""
    seconds = answer.headers.get("retry-after", "")
    return min(float(seconds) if seconds.isdecimal() else 2.0**attempt, LONGEST_PAUSE_S)
