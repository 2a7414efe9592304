"""The examples of docs/alipay.md do what they say, each with its SDK."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from tests.sdk.environments import ROOT, missing_npm, npm_modules, python_of
from tests.sdk.served import Box

EXAMPLE = re.compile(r"<!-- runs: ([\w-]+) -->\n```\w+\n(.*?)```", re.DOTALL)
EXAMPLES: dict[str, str] = dict(EXAMPLE.findall((ROOT / "docs/alipay.md").read_text()))


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_makes_a_qr_code(box: Box, tmp_path: Path, name: str) -> None:
    (tmp_path / "market").symlink_to(box.data)
    if name == "npm":
        if reason := missing_npm():
            pytest.skip(reason)
        command, more = ["node", "-e"], {"NODE_PATH": str(npm_modules() / "node_modules")}
    else:
        command, more = [str(python_of(name)), "-c"], {}
    done = subprocess.run(
        [*command, EXAMPLES[name]], cwd=tmp_path, env=os.environ | more, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    box.scans(done.stdout.strip())


def test_there_are_examples() -> None:
    assert EXAMPLES.keys() == {"python-alipay-sdk", "npm"}
