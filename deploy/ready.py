"""Ends with 0 where the dashboard or the API of this container is ready, else with 1: for a container's health."""

from __future__ import annotations

import http.client
import ssl
import sys

from service.settings import load_settings

TIMEOUT_S = 5


def main() -> int:
    """Ask `/readyz` on this machine, under a name that the installation answers to."""
    settings = load_settings()
    host = settings.allowed_hosts[0] if settings.allowed_hosts else "127.0.0.1"
    if settings.tls_cert is None:
        connection = http.client.HTTPConnection("127.0.0.1", settings.port, timeout=TIMEOUT_S)
    else:
        # This is the machine itself: the certificate is of the name by which others know it.
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", settings.port, timeout=TIMEOUT_S, context=context)
    try:
        connection.request("GET", "/readyz", headers={"Host": host})
        return 0 if connection.getresponse().status == 200 else 1
    except OSError:
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
