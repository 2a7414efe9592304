"""What is bought on Main Street: carts of lines, each with its price, tax and shares, and how each line will fare."""

from msgspec import Struct

from handfast.domain.payments import NewLine
from handfast.domain.trades import Share
from handfast.sandbox.dice import Dice
from handfast.sandbox.lives import Act, life
from handfast.sandbox.market import CLOSING, Buyer, Market, Shop

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
    (
        "service",
        "service",
        ("portrait by post, in three sittings", "logo and signboard", "shop web site"),
        80_00,
        900_00,
    ),
    ("outdoor", "express", ("trail flask", "down vest", "fly-fishing reel"), 22_00, 210_00),
)
_GOODS_WEIGHTS = (30, 20, 12, 5, 5, 2, 26)


_SHODDY = 10
"""On how many days before it closes a shop sends whatever it has."""


class Cart(Struct, frozen=True):
    """What one buyer wants at once, how it means to pay, and what will happen to each line."""

    buyer: Buyer
    manner: str
    lines: tuple[NewLine, ...]
    lives: tuple[tuple[Act, ...], ...]


def cart(seed: int, market: Market, day: int, n: int) -> Cart:
    """The n-th cart of a day: one to three lines, often of several shops."""
    dice = Dice(seed, "cart", day, n)
    buyer = dice.pick(market.buyers)
    shops = market.selling(day)
    lines = tuple(_line(dice, market, shops) for _ in range(dice.weighted(((1, 35), (2, 30), (3, 35)))))
    if buyer.regular and dice.chance(500):
        manner = "consent"
    else:
        manner = dice.weighted((("at once", 930), ("abandoned", 20), ("dawdles", 20), ("manual", 30)))
    gone = market.closing.id if market.closing and day >= CLOSING - _SHODDY else b""
    lives = tuple(life(dice, line.category, line.delivery, shoddy=line.seller == gone) for line in lines)
    return Cart(buyer, manner, lines, lives)


def _line(dice: Dice, market: Market, shops: tuple[Shop, ...]) -> NewLine:
    goods = tuple(zip(_GOODS, _GOODS_WEIGHTS, strict=True))
    category, delivery, titles, low, high = dice.weighted(goods)
    # Most things are cheap: the lower of two draws.
    amount = min(dice.between(low, high), dice.between(low, high))
    tax = amount * 8 // 108 if dice.chance(80) else 0
    shares = _shares(dice, market, delivery, amount)
    return NewLine(dice.pick(shops).id, amount, tax, shares, category, delivery, dice.pick(titles))


def _shares(dice: Dice, market: Market, delivery: str, amount: int) -> tuple[Share, ...]:
    """What of a price is the carrier's, the market's beside its commission, and whose reader the buyer was."""
    shares = []
    if delivery in ("express", "surface") and dice.chance(250):
        shares.append(Share("freight", market.carrier.id, min(dice.between(400, 1_500), amount // 4)))
    if dice.chance(100):
        shares.append(Share("platform", market.host, max(1, amount // 100)))
    if dice.chance(120):
        shares.append(Share("affiliate", dice.pick(market.affiliates).id, max(1, amount * dice.between(2, 8) // 100)))
    return tuple(shares)
