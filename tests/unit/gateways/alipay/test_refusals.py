"""Every method × every refusal: the tables are total, and each sub_code is one that is documented."""

import pytest

from handfast.core.errors import CODES, refusal
from handfast.gateways.alipay.calls import Method
from handfast.gateways.alipay.codes import MESSAGES, SUB_CODES
from handfast.gateways.alipay.methods import METHODS
from handfast.gateways.alipay.refusals import bad_field, refused

LINES = tuple(METHODS.values())


@pytest.mark.parametrize("line", LINES, ids=[line.name for line in LINES])
def test_every_refusal_of_the_core_has_its_words(line: Method) -> None:
    assert line.refusals.keys() == CODES.keys()
    for code in CODES:
        no = refused(line.refusals, refusal(code, "secret words of the core", "param"))
        assert no.code in MESSAGES
        assert no.sub_code in SUB_CODES
        assert 400 <= no.status <= 500
        assert no.sub_code.startswith(("ACQ.", "isv.", "isp.")) or "ACQ." not in "".join(line.refusals.values())
    assert set(line.also) <= SUB_CODES.keys()
    assert bad_field(line.refusals, "why").sub_code.endswith("INVALID_PARAMETER")


def test_a_refusal_tells_no_more_than_it_may() -> None:
    for code in CODES:
        told = refused(LINES[0].refusals, refusal(code, "secret words", "param")).message
        assert ("secret words" in told) == (CODES[code].__name__ == "Invalid"), code
