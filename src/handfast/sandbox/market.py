"""The people of the sandbox market: US shops, Chinese buyers, whoever has a share in a sale; and its calendar."""

from msgspec import Struct

from handfast.core.clocks import DAY, HOUR
from handfast.core.ids import Id, digest_id, ids_from_keys
from handfast.domain.parties import Details
from handfast.sandbox.dice import Dice

OPENING = 1_414_454_400_000_000
"""28 October 2014, 00:00 UTC (µs): the day after the two men said on a stage that they might marry."""
HOURS = (9 * HOUR, 14 * HOUR, 20 * HOUR)
SLOTS = len(HOURS)
"""How often a day people act: in the morning, in the afternoon, in the evening."""

COMMISSION_BPS = 350
COMMISSION_CAP = 50_00
"""11 Main's terms of 2014: 3.5 % of the price, at most USD 50 an order."""

CLOSING = 24
"""The market day on which one shop closes: it sells no more, and answers nobody. What it owes is the operator's."""
_SHOPS_TO_CLOSE_ONE = 5

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
_AFFILIATES = ("Sea Change Magazine", "The Thrifty Panda")
_FAMILY = "王李张刘陈杨黄赵周吴徐孙马朱胡林郭何高罗"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平桂英秀兰建国思远雨晴"


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
    """Everybody; the carts are charged in the name of `host`, the market's own merchant; the stranger is another's.

    The carrier has the freight of what it carries, affiliates a part of what they brought buyers to.
    """

    host: Id
    stranger: Id
    shops: tuple[Shop, ...]
    buyers: tuple[Buyer, ...]
    carrier: Shop
    affiliates: tuple[Shop, ...]

    @property
    def closing(self) -> Shop | None:
        """The shop that closes on the day CLOSING, in a market with enough others."""
        return self.shops[1::3][-1] if len(self.shops) >= _SHOPS_TO_CLOSE_ONE else None

    def selling(self, day: int) -> tuple[Shop, ...]:
        """The shops that sell on a market day."""
        return self.shops if day < CLOSING else tuple(shop for shop in self.shops if shop is not self.closing)


def people(seed: int, shops: int, buyers: int) -> Market:
    """A market of that many shops and buyers."""
    new_id = ids_from_keys(seed)(digest_id(b"people"))
    return Market(
        new_id(OPENING),
        new_id(OPENING),
        tuple(_shop(Dice(seed, "shop", n), new_id(OPENING), n) for n in range(shops)),
        tuple(_buyer(Dice(seed, "buyer", n), new_id(OPENING), n) for n in range(buyers)),
        _partner(Dice(seed, "carrier"), new_id(OPENING), "Pacific Parcel Post"),
        tuple(_partner(Dice(seed, "affiliate", name), new_id(OPENING), name) for name in _AFFILIATES),
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


def _partner(dice: Dice, key: Id, name: str) -> Shop:
    details = Details(name=name, email="accounts@example.com", routing="021000021", account=_digits(dice, 10))
    return Shop(key, name, "USD", details)


def _buyer(dice: Dice, key: Id, n: int) -> Buyer:
    currency = "USD" if n % 20 == 13 else "CNY"
    name = dice.pick(_FAMILY) + dice.pick(_GIVEN) + (dice.pick(_GIVEN) if dice.chance(600) else "")
    return Buyer(key, name, f"6222{n:012}", currency, regular=n % 8 == 3)


def moment(slot: int) -> int:
    """The market time (µs) of a slot, counted from the opening."""
    day, part = divmod(slot, SLOTS)
    return OPENING + day * DAY + HOURS[part]


def iban(country: str, rest: str) -> str:
    """The IBAN with its two check digits (ISO 7064 mod 97-10)."""
    number = int("".join(str(int(letter, 36)) for letter in f"{rest}{country}00"))
    return f"{country}{98 - number % 97:02}{rest}"


def _digits(dice: Dice, count: int) -> str:
    return str(dice.below(9 * 10 ** (count - 1)) + 10 ** (count - 1))
