"""The people of the market: drawn from the seed, with account numbers that banks accept."""

from collections import Counter

from handfast.rails import check_iban
from handfast.sandbox.dice import Dice
from handfast.sandbox.market import SLOTS, cart, people, trouble
from handfast.sandbox.opening import ACCOUNTS


def test_dice_repeat_with_seed_and_subject() -> None:
    assert [Dice(1, "cart", 3).below(100) for _ in range(3)] == [Dice(1, "cart", 3).below(100)] * 3
    assert len({Dice(seed, "cart", n).below(2**60) for seed in (1, 2) for n in range(50)}) == 100


def test_dice_draw_from_all_and_only_what_they_are_given() -> None:
    dice = Dice(1, "spread")
    assert {dice.between(3, 5) for _ in range(100)} == {3, 4, 5}
    assert Counter(dice.weighted((("often", 9), ("seldom", 1), ("never", 0))) for _ in range(1000)).keys() == {
        "often",
        "seldom",
    }
    assert sorted(dice.shuffled(range(40))) == list(range(40))
    assert dice.shuffled(range(40)) != list(range(40))


def test_equal_seeds_make_equal_markets() -> None:
    assert people(4, 6, 20) == people(4, 6, 20)
    assert people(4, 6, 20) != people(5, 6, 20)
    assert cart(4, people(4, 6, 20), 2, 7) == cart(4, people(4, 6, 20), 2, 7)


def test_account_numbers_are_real_ones() -> None:
    shops = people(1, 20, 1).shops
    numbers = [*ACCOUNTS.values(), *(shop.details.iban for shop in shops if shop.details.iban)]
    assert [check_iban(number) for number in numbers] == numbers
    assert {shop.settle_currency for shop in shops} == {"USD", "EUR", "GBP"}


def test_carts_mix_shops_deliveries_and_fates() -> None:
    market = people(1, 12, 60)
    carts = [cart(1, market, 0, n) for n in range(400)]
    lines = [line for item in carts for line in item.lines]
    assert {len(item.lines) for item in carts} == {1, 2, 3}
    assert {item.manner for item in carts} == {"at once", "consent", "abandoned", "dawdles", "manual"}
    assert {line.delivery for line in lines} == {"auto", "virtual", "express", "surface"}
    assert max(line.amount for line in lines) > 142_857  # where 3.5 % reaches the cap of USD 50
    assert any(line.tax for line in lines)
    lives = [life for item in carts for life in item.lives]
    kinds = {act.kind for life in lives for act in life}
    assert kinds >= {"ship", "confirm", "confirm late", "ship late", "refund part", "refund rest", "refund too much"}
    assert {trouble(life) for life in lives} == {
        None,
        "buyer_silent",
        "parcel_arrived_late",
        "parcel_never_sent",
        "parcel_sent_late",
    }


def test_nobody_acts_before_the_trade_was_paid() -> None:
    market = people(1, 12, 60)
    acts = [act for n in range(200) for life in cart(1, market, 0, n).lives for act in life]
    assert min(act.slot for act in acts) >= 1
    assert max(act.slot for act in acts) < 70 * SLOTS
