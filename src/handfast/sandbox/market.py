"""The people of the sandbox market: US shops, Chinese buyers, what is bought, and how each parcel fares."""

from collections.abc import Sequence

from msgspec import Struct

from handfast.core.clocks import DAY
from handfast.core.ids import Id, digest_id, ids_from_keys
from handfast.domain.parties import Details
from handfast.domain.payments import NewLine
from handfast.domain.trades import PERIODS
from handfast.sandbox.dice import Dice

OPENING = 1_414_454_400_000_000
"""28 October 2014, 00:00 UTC (µs): the day after the two men said on a stage that they might marry."""
SLOTS = 3
"""How often a day people act: in the morning, in the afternoon, in the evening."""

COMMISSION_BPS = 350
COMMISSION_CAP = 50_00
"""11 Main's terms of 2014: 3.5 % of the price, at most USD 50 an order."""

# fmt: off
_SHOP_FIRST = (
    "Harbor", "Juniper", "Copper", "Maple", "Lantern", "Prairie", "Birch", "Saltbox", "Heron", "Canyon", "Orchard",
    "Thimble", "Cedar", "Granite",
)
_SHOP_LAST = (
    "Lane Goods", "& Daughters", "Mercantile", "Workshop", "Outfitters", "Press", "Homestead", "Trading Post", "Studio",
    "Dry Goods",
)
# fmt: on
_FAMILY = "王李张刘陈杨黄赵周吴徐孙马朱胡林郭何高罗"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平桂英秀兰建国思远雨晴"
_GOODS = (
    (
        "fashion",
        "express",
        ("wool scarf", "denim jacket", "leather belt", "silk blouse", "canvas sneakers"),
        18_00,
        160_00,
    ),
    (
        "home",
        "surface",
        ("oak cutting board", "quilt", "cast-iron pan", "table lamp", "stoneware teapot"),
        25_00,
        240_00,
    ),
    ("media", "auto", ("photo album, download", "pattern book, PDF", "field recordings"), 3_00, 25_00),
    ("media", "virtual", ("drawing course, four evenings", "voice lesson"), 20_00, 90_00),
    ("jewelry", "express", ("turquoise ring", "pearl earrings", "pocket watch"), 90_00, 3_200_00),
    ("outdoor", "express", ("trail flask", "down vest", "fly-fishing reel"), 22_00, 210_00),
)
_GOODS_WEIGHTS = (30, 20, 12, 5, 5, 28)


class Shop(Struct, frozen=True):
    """A merchant and what opens its account; it is paid out in `settle_currency`."""

    id: Id
    name: str
    settle_currency: str
    details: Details


class Buyer(Struct, frozen=True):
    """A customer who pays from a wallet in `currency`; a regular has given the market a standing consent."""

    id: Id
    name: str
    account: str
    currency: str
    regular: bool


class Market(Struct, frozen=True):
    """Everybody; the carts are charged in the name of `host`, the market's own merchant; the stranger is another's."""

    host: Id
    stranger: Id
    shops: tuple[Shop, ...]
    buyers: tuple[Buyer, ...]


class Act(Struct, frozen=True):
    """What somebody does with a trade, so many slots after it was paid; `share` is in thousandths of its price."""

    slot: int
    kind: str
    share: int = 0


class Cart(Struct, frozen=True):
    """What one buyer wants at once, how it means to pay, and what will happen to each line."""

    buyer: Buyer
    manner: str
    lines: tuple[NewLine, ...]
    lives: tuple[tuple[Act, ...], ...]


def people(seed: int, shops: int, buyers: int) -> Market:
    """A market of that many shops and buyers."""
    new_id = ids_from_keys(seed)(digest_id(b"people"))
    return Market(
        new_id(OPENING),
        new_id(OPENING),
        tuple(_shop(Dice(seed, "shop", n), new_id(OPENING), n) for n in range(shops)),
        tuple(_buyer(Dice(seed, "buyer", n), new_id(OPENING), n) for n in range(buyers)),
    )


def _shop(dice: Dice, key: Id, n: int) -> Shop:
    name = f"{_SHOP_FIRST[n % len(_SHOP_FIRST)]} {_SHOP_LAST[n // len(_SHOP_FIRST) % len(_SHOP_LAST)]}"
    settle = "EUR" if n % 9 == 4 else "GBP" if n % 9 == 7 else "USD"
    account = {
        "EUR": {"iban": iban("DE", "37040044" + _digits(dice, 10))},
        "GBP": {"iban": iban("GB", "WEST" + _digits(dice, 14))},
        "USD": {"routing": "021000021", "account": _digits(dice, 10)},
    }[settle]
    return Shop(key, name, settle, Details(name=name, email=f"shop{n}@example.com", **account))


def _buyer(dice: Dice, key: Id, n: int) -> Buyer:
    currency = "USD" if n % 20 == 13 else "CNY"
    name = dice.pick(_FAMILY) + dice.pick(_GIVEN) + (dice.pick(_GIVEN) if dice.chance(600) else "")
    return Buyer(key, name, f"6222{n:012}", currency, regular=n % 8 == 3)


def iban(country: str, rest: str) -> str:
    """The IBAN with its two check digits (ISO 7064 mod 97-10)."""
    number = int("".join(str(int(letter, 36)) for letter in f"{rest}{country}00"))
    return f"{country}{98 - number % 97:02}{rest}"


def _digits(dice: Dice, count: int) -> str:
    return str(dice.below(9 * 10 ** (count - 1)) + 10 ** (count - 1))


def cart(seed: int, market: Market, day: int, n: int) -> Cart:
    """The n-th cart of a day: one to three lines, often of several shops."""
    dice = Dice(seed, "cart", day, n)
    buyer = dice.pick(market.buyers)
    lines = tuple(_line(dice, market) for _ in range(dice.weighted(((1, 35), (2, 30), (3, 35)))))
    if buyer.regular and dice.chance(500):
        manner = "consent"
    else:
        manner = dice.weighted((("at once", 930), ("abandoned", 20), ("dawdles", 20), ("manual", 30)))
    return Cart(buyer, manner, lines, tuple(_life(dice, line.delivery) for line in lines))


def _line(dice: Dice, market: Market) -> NewLine:
    goods = tuple(zip(_GOODS, _GOODS_WEIGHTS, strict=True))
    category, delivery, titles, low, high = dice.weighted(goods)
    # Most things are cheap: the lower of two draws.
    amount = min(dice.between(low, high), dice.between(low, high))
    tax = amount * 8 // 108 if dice.chance(80) else 0
    return NewLine(dice.pick(market.shops).id, amount, tax, category, delivery, dice.pick(titles))


def _life(dice: Dice, delivery: str) -> tuple[Act, ...]:
    """How a line fares; where nobody acts, the trade's own clock does."""
    periods = PERIODS[delivery]
    ship_by, confirm_by = (period * SLOTS // DAY for period in (periods.ship_within, periods.confirm_within))
    fate = dice.weighted((("unshipped", 30), ("shipped late", 25), ("sold out", 20), ("shipped", 925)))
    if fate == "unshipped":
        return ()
    if fate == "shipped late":
        return (Act(ship_by + dice.between(1, 4), "ship late"),)
    if fate == "sold out":
        return (Act(dice.between(1, 2), "refund rest"),)
    shipped = dice.between(1, max(1, ship_by * 6 // 10))
    arrival = shipped + dice.between(1, max(1, confirm_by * 7 // 10))
    acts = [Act(shipped, "ship")]
    ending = dice.weighted((("confirms", 700), ("silent", 250), ("late parcel", 50)))
    if ending == "confirms":
        released = arrival + 1
        acts.append(Act(released, "confirm"))
    else:
        released = shipped + confirm_by + 1
        if ending == "late parcel":
            acts.append(Act(released + dice.between(1, 6), "confirm late"))
    if dice.chance(60):
        acts.append(Act(arrival, "refund part", dice.between(100, 600)))
    if dice.chance(60):
        acts.append(Act(released + dice.between(1, 15), "refund part", dice.between(50, 400)))
    if dice.chance(15):
        acts.append(Act(released + dice.between(4, 18), "refund rest"))
    if dice.chance(5):
        acts.append(Act(arrival, "refund too much", 1500))
    return tuple(acts)


def trouble(life: Sequence[Act]) -> str | None:
    """What somebody fails to do in a trade's life, if anything: where silence, or lateness, is for the clock to end."""
    kinds = [act.kind for act in life]
    if not kinds:
        return "parcel_never_sent"
    if "ship late" in kinds:
        return "parcel_sent_late"
    if "confirm late" in kinds:
        return "parcel_arrived_late"
    return "buyer_silent" if "ship" in kinds and "confirm" not in kinds else None
