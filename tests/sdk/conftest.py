"""The SDKs, each in a process of its own for the whole run, and the keys of an app and of the gateway."""

from collections.abc import Iterator

import pytest
from tests.sdk.driver import Driver, npm_driver, python_driver
from tests.sdk.environments import missing_npm, npm_modules, python_of
from tests.sdk.pair import Pair
from tests.sdk.served import Box, served


@pytest.fixture(scope="session")
def official() -> Iterator[Driver]:
    """PyPI's alipay-sdk-python."""
    yield from kept(python_driver(python_of("alipay-sdk-python"), "alipay_sdk_python"))


@pytest.fixture(scope="session")
def community() -> Iterator[Driver]:
    """PyPI's python-alipay-sdk."""
    yield from kept(python_driver(python_of("python-alipay-sdk"), "python_alipay_sdk"))


@pytest.fixture(scope="session")
def antom() -> Iterator[Driver]:
    """PyPI's global-open-sdk-python."""
    yield from kept(python_driver(python_of("global-open-sdk-python"), "global_open_sdk_python"))


@pytest.fixture(scope="session")
def npm() -> Iterator[Driver]:
    """The npm package alipay-sdk."""
    if reason := missing_npm():
        pytest.skip(reason)
    yield from kept(npm_driver(npm_modules()))


@pytest.fixture(scope="session")
def app() -> Pair:
    """The app's keys."""
    return Pair()


@pytest.fixture(scope="session")
def server() -> Pair:
    """The gateway's keys: to an SDK they are Alipay's."""
    return Pair()


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A sandbox that is served."""
    with served(tmp_path_factory.mktemp("served") / "data") as box:
        yield box


def kept(driver: Driver) -> Iterator[Driver]:
    yield driver
    driver.close()
