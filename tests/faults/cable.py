"""A cable to a server that can be cut: a proxy on the loopback."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

BLOCK = 65536


class Cable:
    """Passes on what is sent to its port, until it is cut.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, port: int) -> None:
        """Begin to pass on to a port of the loopback."""
        self._target = port
        self._flows = threading.Event()
        self._flows.set()
        self._pairs: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stall(self) -> None:
        """Pass nothing on, as where packets are lost: nobody is told, and connections stay open."""
        self._flows.clear()

    def cut(self) -> None:
        """Break every connection, and let new ones wait."""
        self._flows.clear()
        pairs, self._pairs = self._pairs, []
        for end in pairs:
            _break(end)

    def mend(self) -> None:
        """Pass on again, the old connections that are left included."""
        self._flows.set()

    def close(self) -> None:
        """Break everything off for good."""
        self._listener.close()
        self.cut()
        self._flows.set()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        self._flows.wait()
        try:
            far = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            _break(near)
            return
        self._pairs += [near, far]
        for source, target in ((near, far), (far, near)):
            threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while block := source.recv(BLOCK):
                self._flows.wait()
                target.sendall(block)
        for end in (source, target):
            _break(end)


def _break(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
