"""The command `intercept`: what it prints, what it refuses to do, and that it runs until it is asked to stop."""

import signal
import ssl
import subprocess
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.faults.service import COMMAND, PATIENCE
from tests.unit.gateways.fronts import ALIPAY, handfast

from handfast.cli import main
from handfast.gateways.intercept.vendors import HOSTS


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["intercept", *map(str, words)])


def test_the_front_as_operators_run_it(tmp_path: Path) -> None:
    with handfast() as service:
        words = [*COMMAND, "intercept", "--data", str(tmp_path), "--to", service.url, "--port", "0"]
        pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(words, **pipes) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("handfast intercept is ready at http://127.0.0.1:")
            port = int(line.rpartition(":")[2])
            trust = ssl.create_default_context(cafile=str(tmp_path / "intercept/ca.pem"))
            client = HTTPSConnection("127.0.0.1", port, context=trust, timeout=PATIENCE)
            client.set_tunnel(ALIPAY)
            client.request("POST", "/gateway.do?sign=SECRET", b"biz_content=SECRET")
            assert client.getresponse().read() == b"biz_content=SECRET"
            client.close()
            process.send_signal(signal.SIGTERM)
            rest, log = process.communicate(timeout=PATIENCE)
    assert (process.returncode, rest) == (0, "")
    assert "let clients trust" in log
    assert '"event": "passed on"' in log
    assert "SECRET" not in log


def test_in_the_hosts_place_there_are_two_doors(tmp_path: Path) -> None:
    ports = ("--https-port", "0", "--http-port", "0")
    words = [*COMMAND, "intercept", "--data", str(tmp_path), "--direct", *ports]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
    assert line.count(" http://127.0.0.1:") == 1
    assert line.count(" https://127.0.0.1:") == 1


def test_the_lines_to_set(tmp_path: Path) -> None:
    told = run("--data", tmp_path, "--port", "9000", "--print-env")
    assert told.exit_code == 0
    assert "export HTTPS_PROXY=http://127.0.0.1:9000\n" in told.output
    assert f"export SSL_CERT_FILE={tmp_path}/intercept/bundle.pem\n" in told.output
    assert (tmp_path / "intercept/bundle.pem").read_bytes().endswith((tmp_path / "intercept/ca.pem").read_bytes())
    direct = run("--data", tmp_path, "--direct", "--print-env")
    assert "PROXY" not in direct.output
    assert f"export NODE_EXTRA_CA_CERTS={tmp_path}/intercept/ca.pem\n" in direct.output


def test_the_lines_for_the_hosts_file(tmp_path: Path) -> None:
    told = run("--data", tmp_path, "--hosts-lines")
    assert told.output.split() == [word for host in HOSTS for word in ("127.0.0.1", host)]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--to", "ftp://127.0.0.1"), "http://host:port"),
        (("--to", "http://127.0.0.1:x"), "not an address"),
        (("--to", "http://user:pass@127.0.0.1"), "http://host:port"),
        (("--to", "http://127.0.0.1/v1"), "has no path"),
        (("--to", f"https://{ALIPAY}"), "what this stands in for"),
        (("--others", "tunnel", "--host", "0.0.0.0"), "open relay"),
        (("--others", "tunnel", "--direct"), "only the proxy can tunnel"),
        (("--host", "nowhere.invalid"), "no address"),
    ],
)
def test_what_it_refuses_to_do(tmp_path: Path, words: tuple[str, ...], why: str) -> None:
    refused = run("--data", tmp_path, *words)
    assert refused.exit_code == 1
    assert refused.output.startswith("settings_invalid: ")
    assert why in refused.output


def test_where_the_service_is_comes_from_its_settings(tmp_path: Path) -> None:
    (tmp_path / "handfast.toml").write_text("port = 0\n")
    refused = run("--data", tmp_path)
    assert (refused.exit_code, "say where it runs" in refused.output) == (1, True)
