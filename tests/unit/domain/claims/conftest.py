"""A quarrel over each store in turn."""

from collections.abc import Callable, Iterator

import pytest
from tests.conftest import Engine
from tests.unit.domain.conftest import Market
from tests.unit.domain.quarrel import PLAIN, Quarrel

from handfast.app import database
from handfast.domain.policies import Policy

NewQuarrel = Callable[..., Quarrel]


@pytest.fixture
def new_quarrel(engine: Engine) -> Iterator[NewQuarrel]:
    """Makes the quarrel of a test, under a policy if one is given."""
    reader = database(engine.url).read()

    def new(policy: Policy = PLAIN, *, amount: int = 10_000) -> Quarrel:
        return Quarrel(Market(engine), reader, policy, amount=amount)

    yield new
    reader.close()


@pytest.fixture
def quarrel(new_quarrel: NewQuarrel) -> Quarrel:
    return new_quarrel()
