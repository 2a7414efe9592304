"""The people of the market: drawn from the seed, with account numbers that banks accept."""

from collections import Counter

from handfast.core.clocks import DAY, HOUR
from handfast.rails import check_iban
from handfast.sandbox.dice import Dice
from handfast.sandbox.market import OPENING, moment, people
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


def test_account_numbers_are_real_ones() -> None:
    shops = people(1, 20, 1).shops
    numbers = [*ACCOUNTS.values(), *(shop.details.iban for shop in shops if shop.details.iban)]
    assert [check_iban(number) for number in numbers] == numbers
    assert {shop.settle_currency for shop in shops} == {"USD", "EUR", "GBP"}


def test_slots_are_moments_of_market_days() -> None:
    assert [moment(slot) - OPENING for slot in range(4)] == [9 * HOUR, 14 * HOUR, 20 * HOUR, DAY + 9 * HOUR]
