"""The setting `four_eyes` of a service: whether what one person prepared waits for a second one."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec import json

from handfast.app import asking, reading
from handfast.core.clocks import wall_clock
from handfast.core.ids import Id, random_ids
from handfast.core.settings import load
from handfast.domain.payouts import PAYOUT_FILES, RequestPayout
from handfast.domain.transfers import CreateTransfer
from handfast.gateways.native import PREPARE_PAYOUT_FILE
from handfast.gateways.native.prefixes import read
from handfast.sandbox.keys import Keys
from handfast.sandbox.start import start
from handfast.store.reader import get
from handfast.store.verb import Request


@pytest.mark.parametrize(("four_eyes", "state"), [(True, "prepared"), (False, "approved")])
def test_a_file_waits_for_a_second_person_where_the_house_has_one(tmp_path: Path, four_eyes: bool, state: str) -> None:
    new_id, data = random_ids(), tmp_path / "data"
    settings = load({}, data=data, market="sandbox", four_eyes=four_eyes)
    keys = json.decode(start(settings, wall_clock).read_bytes(), type=Keys)
    shop, buyer = read("party", keys.merchant.id), read("party", keys.buyers[0])
    handler: Id = bytes.fromhex(keys.operator.api_key.split("_")[1]).ljust(16, b"\0")
    with asking(settings) as desk, closing(reading(settings)) as reader:

        def do(verb: str, command: Any) -> None:
            desk.call(Request(verb, command, "test", new_id(wall_clock()))).unwrap()

        do("transfers.create", CreateTransfer(buyer, shop, "USD", 100))
        do("payouts.request", RequestPayout(shop, "USD", 100))
        told = desk.control(PREPARE_PAYOUT_FILE, "USD", handler, "test", new_id(wall_clock()))
        assert (told["state"], told["count"], told["total"]) == (state, 1, 100)
        file = get(reader, PAYOUT_FILES, told["file"])
        assert file is not None
        assert (file.prepared_by, file.decided_by) == (handler, None if four_eyes else handler)
