"""A certificate that a test signs for itself, by openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make_certificate(folder: Path, host: str = "phq.example.org") -> tuple[Path, Path]:
    """Write the certificate and the key of a host, under the names that an ACME client gives them."""
    certificate, key = folder / "fullchain.pem", folder / "privkey.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj"
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), f"/CN={host}", *files], check=True, capture_output=True, timeout=60)
    return certificate, key
