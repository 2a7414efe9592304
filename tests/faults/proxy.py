"""A wire between client and server that can be cut: what passes is forwarded, held back, or ended on one side."""

import socket
import threading
from contextlib import suppress
from typing import Any


class Wire:
    """Listens on a port of loopback and forwards to a server, `target` being what its socket connects to."""

    def __init__(self, family: socket.AddressFamily, target: Any) -> None:
        self._family, self._target = family, target
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._open: list[tuple[socket.socket, socket.socket]] = []
        self._unheard: set[socket.socket] = set()
        self._through = threading.Event()
        self._through.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                far = socket.socket(self._family, socket.SOCK_STREAM)
                far.connect(self._target)
                self._open.append((near, far))
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                self._through.wait()
                sink.sendall(data)
        if sink not in self._unheard:
            _end(sink)

    def stall(self) -> None:
        """Nothing passes any more, in either direction."""
        self._through.clear()

    def go_on(self) -> None:
        """What was held back passes, and all that comes."""
        self._through.set()

    def drop(self) -> None:
        """End every connection on both sides."""
        for near, far in self._taken():
            _end(near)
            _end(far)

    def vanish(self) -> None:
        """End every connection on the client's side; the server hears nothing of it."""
        for near, far in self._taken():
            self._unheard.add(far)
            _end(near)

    def _taken(self) -> list[tuple[socket.socket, socket.socket]]:
        taken, self._open = self._open, []
        return taken

    def close(self) -> None:
        """Listen no more, and end everything."""
        self._door.close()
        self.go_on()
        self.drop()
        for far in self._unheard:
            _end(far)


def _end(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
