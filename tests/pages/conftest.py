"""A sandbox that is served, a merchant's app in it, a shop that listens, and Chromium."""

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.pages.town import Shop, Town

HANDFAST = Path(sys.executable).with_name("handfast")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    data = tmp_path_factory.mktemp("pages") / "data"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    subprocess.run([HANDFAST, "sandbox", "init", data, "--port", str(port)], check=True, capture_output=True)
    with subprocess.Popen([HANDFAST, "serve", "--data", data], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert "ready" in server.stdout.readline()
        with Shop() as shop:
            yield Town(data, json.loads((data / "sandbox.json").read_bytes()), shop)
        server.terminate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
