"""What is bought, and how it fares: every kind of goods, of share and of fate comes up, at the rates that are meant."""

from collections import Counter

from handfast.domain.policies import preset, read_book
from handfast.domain.trades import SHARE_KINDS
from handfast.sandbox.book import JEWELRY, main_street, policy_for
from handfast.sandbox.carts import Cart, cart
from handfast.sandbox.lives import pace, trouble
from handfast.sandbox.market import CLOSING, SLOTS, people

MARKET = people(1, 12, 60)
CARTS = [cart(1, MARKET, 0, n) for n in range(2_000)]
ACTS = [act for item in CARTS for life in item.lives for act in life]


def test_equal_seeds_make_equal_carts() -> None:
    assert cart(4, people(4, 6, 20), 2, 7) == cart(4, people(4, 6, 20), 2, 7)


def test_carts_mix_shops_and_deliveries() -> None:
    lines = [line for item in CARTS for line in item.lines]
    assert {len(item.lines) for item in CARTS} == {1, 2, 3}
    assert {item.manner for item in CARTS} == {"at once", "consent", "abandoned", "dawdles", "manual"}
    assert {line.delivery for line in lines} == {"auto", "virtual", "express", "surface", "service"}
    assert max(line.amount for line in lines) > 142_857  # where 3.5 % reaches the cap of USD 50
    assert any(line.tax for line in lines)


def test_some_lines_have_every_kind_of_share_and_all_leave_the_seller_something() -> None:
    lines = [line for item in CARTS for line in item.lines]
    kinds = {tuple(sorted(part.kind for part in line.shares)) for line in lines}
    assert {(), tuple(sorted(SHARE_KINDS))} <= kinds
    assert all(line.tax + sum(part.amount for part in line.shares) < line.amount // 2 for line in lines)


def test_fates_are_of_every_kind() -> None:
    kinds = {" ".join(act.kind.split()[:2]) for act in ACTS}
    assert kinds == {
        "ship",
        "ship late",
        "deliver",
        "confirm",
        "confirm late",
        "release part",
        "refund part",
        "refund rest",
        "refund too",
        "claim unshipped",
        "claim not_received",
        "claim not_as_described",
        "claim no_reason",
        "buyer extends",
        "seller extends",
        "buyer proposes",
        "seller proposes",
        "buyer agrees",
        "seller agrees",
        "seller drops",
        "seller disputes",
    }
    assert {trouble(life) for item in CARTS for life in item.lives} == {
        None,
        "buyer_silent",
        "parcel_arrived_late",
        "parcel_never_sent",
        "parcel_sent_late",
    }


def test_most_trades_go_well() -> None:
    claimed = Counter(any(act.kind.startswith("claim") for act in life) for item in CARTS for life in item.lives)
    assert 6 < claimed[True] * 100 / claimed.total() < 11


def test_nobody_acts_before_the_trade_was_paid() -> None:
    assert min(act.slot for act in ACTS) >= 1
    assert max(act.slot for act in ACTS) < 70 * SLOTS


def test_one_shop_closes_and_what_it_sent_last_is_complained_of() -> None:
    closing = MARKET.closing
    assert closing is not None
    assert all(line.seller != closing.id for n in range(300) for line in cart(1, MARKET, CLOSING, n).lines)
    late = [cart(1, MARKET, CLOSING - 1, n) for n in range(300)]
    assert _complaints(late, closing.id) > 2 * _complaints(CARTS[:300], closing.id)
    assert people(1, 4, 4).closing is None


def _complaints(carts: list[Cart], shop: bytes) -> int:
    lives = [life for item in carts for line, life in zip(item.lines, item.lives, strict=True) if line.seller == shop]
    return sum(any(act.kind.startswith("claim not_as_described") for act in life) for life in lives)


def test_the_markets_own_policy_keeps_a_part_of_what_jewellery_earns() -> None:
    book = read_book(main_street())
    assert {policy.name for policy in book.policies} == {policy.name for policy in preset("taobao").policies} | {
        JEWELRY
    }
    policy = policy_for("jewelry", "express")
    assert (policy.name, policy.reserve is not None) == (JEWELRY, True)
    assert policy_for("fashion", "express").name == "taobao-express"


def test_periods_in_slots_are_those_of_the_policy() -> None:
    assert (pace("fashion", "express").ship, pace("fashion", "express").confirm) == (5 * SLOTS, 10 * SLOTS)
    assert pace("service", "service").milestones == 3
