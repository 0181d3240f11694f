"""JSON documents of analyses on standard output."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

JSON_CONTROLS = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys and JSON leaves as it is."""


def print_document(document: Mapping[str, Any]) -> None:
    """Print a document as one line.

    Args:
        document: JSON-able values by name.
    """
    for part in json_parts(document):
        print(JSON_CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", part), end="")
    print(flush=True)


def json_parts(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield a document as JSON, the items of its lists one by one: hours of frames at once would take 100 MB.

    Args:
        document: JSON-able values by name.

    Yields:
        Parts that together are what `json.dumps` returns.
    """
    opening = "{"
    for name, value in document.items():
        yield f"{opening}{json.dumps(name)}: "
        opening = ", "
        if isinstance(value, list) and value:
            for index, item in enumerate(value):
                yield f"{', ' if index else '['}{json.dumps(item, ensure_ascii=False)}"
            yield "]"
        else:
            yield json.dumps(value, ensure_ascii=False)
    yield "}" if document else "{}"
