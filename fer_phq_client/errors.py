"""What goes wrong: the server answers with a problem, or no whole answer comes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ProblemError(Exception):
    """The server answered with a problem (RFC 9457).

    Attributes:
        status: The HTTP status.
        code: The message's code, which never changes; '' where the answer came from something else than fer-phq.
        params: The message's parameters.
        detail: One sentence in the client's language.
    """

    def __init__(self, status: int, code: str, params: Mapping[str, Any], detail: str) -> None:
        """Take what the server says; the arguments are the attributes."""
        super().__init__(f"{detail} (HTTP {status}{f', {code}' if code else ''})")
        self.status = status
        self.code = code
        self.params = params
        self.detail = detail


class IncompleteError(Exception):
    """No whole answer came: the server cannot be reached, or its answer broke off. No part of a table is returned."""
