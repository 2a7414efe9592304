"""The journeys of the native API: given wallets and prices, when requests, then what everybody sees."""

from tests.unit.gateways.native.street import Street


def test_buy_abroad(street: Street) -> None:
    """A cart of two shops priced in USD, paid in CNY at a locked rate."""
    api = street.api
    quote = api.post("market", "/v1/quotes", {"price_currency": "USD", "pay_currency": "CNY"})
    assert quote["state"] == "open"
    assert quote["source"] == "ECB 2014-10-28"
    cart = {
        "currency": "USD",
        "amount": 15_000,
        "payer": street.id("fang"),
        "quote": quote["id"],
        "lines": [
            {"seller": street.id("shop"), "amount": 10_000, "title": "Lamp"},
            {"seller": street.id("other"), "amount": 5_000, "tax": 400, "title": "Shade"},
        ],
        "metadata": {"cart": "c-1"},
    }
    payment = api.post("market", "/v1/payments", cart)
    assert (payment["state"], payment["captured"], payment["pay_currency"]) == ("captured", 15_000, "CNY")
    rate = quote["rate"]
    assert payment["pay_amount"] == -(-15_000 * rate["numerator"] // rate["denominator"])
    assert payment["metadata"] == {"cart": "c-1"}
    assert [line["commission"] for line in payment["lines"]] == [250, 0]
    lamp, shade = (line["trade"] for line in payment["lines"])

    wallet = {row["currency"]: row for row in api.get("fang", "/v1/balances")["data"]}
    assert wallet["CNY"]["available"] == 1_000_000 - payment["pay_amount"]
    assert {row["currency"]: row["held"] for row in api.get("shop", "/v1/balances")["data"]} == {"USD": 10_000}

    shipped = api.post("shop", f"/v1/trades/{lamp}/ship", {"tracking": "1Z-42"})
    assert (shipped["state"], shipped["tracking"]) == ("shipped", "1Z-42")
    released = api.post("fang", f"/v1/trades/{lamp}/confirm")
    assert (released["state"], released["released"]) == ("released", 10_000)
    assert released["commission"] is None
    assert api.get("shop", "/v1/balances")["data"] == [
        {"currency": "USD", "available": 9_750, "pending": 0, "payout": 0, "held": 0, "reserve": 0, "owed": 0}
    ]

    back = api.post("market", "/v1/refunds", {"payment": payment["id"], "trade": shade, "reason": "out of stock"})
    assert (back["amount"], back["pay_currency"]) == (5_000, "CNY")
    seen = api.get("fang", f"/v1/payments/{payment['id']}", **{"expand[]": ["trades", "refunds"]})
    assert {trade["id"]: trade["state"] for trade in seen["trades"]} == {lamp: "released", shade: "refunded"}
    assert [refund["id"] for refund in seen["refunds"]] == [back["id"]]
    assert (seen["commission"], seen["settle_amount"], seen["lines"][0]["commission"]) == (None, None, None)
    wallet = {row["currency"]: row for row in api.get("fang", "/v1/balances")["data"]}
    assert wallet["CNY"]["available"] == 1_000_000 - payment["pay_amount"] + back["pay_amount"]

    payout = api.post("shop", "/v1/payouts", {"currency": "USD", "amount": 9_750})
    assert (payout["state"], payout["source"]) == ("requested", "wallet")
    file = api.post("house", "/v1/payout_files", {"currency": "USD"})
    assert (file["state"], file["count"], file["total"], file["left_out"]) == ("prepared", 1, 9_750, [])
    assert api.post("lead", f"/v1/payout_files/{file['file']}/approve")["state"] == "approved"
    content = api.send("GET", f"/v1/payout_files/{file['file']}/content", "house")
    assert content.headers["content-type"] == "application/xml"
    assert payout["end_to_end"].encode() in content.content
    assert api.get("shop", f"/v1/payouts/{payout['id']}")["state"] == "ordered"
    assert api.get("house", f"/v1/payout_files/{file['file']}")["total"] == 9_750
    for each in api.get("house", "/v1/custody")["data"]:
        assert each["difference"] == 0


def test_capture_in_parts_and_void(street: Street) -> None:
    """USD 100.00 set aside: 30.00 taken, 20.00 taken, the rest freed."""
    api = street.api
    order = {"currency": "USD", "amount": 10_000, "payer": street.id("fang"), "capture": "manual"}
    payment = api.post("shop", "/v1/payments", order)
    path = f"/v1/payments/{payment['id']}"
    assert payment["state"] == "authorised"
    assert _usd(street, "fang") == (90_000, 10_000)
    assert api.post("shop", f"{path}/capture", {"amount": 3_000})["captured"] == 3_000
    assert api.post("shop", f"{path}/capture", {"amount": 2_000})["captured"] == 5_000
    assert _usd(street, "fang") == (90_000, 5_000)
    ended = api.post("shop", f"{path}/void")
    assert (ended["state"], ended["captured"]) == ("captured", 5_000)
    assert _usd(street, "fang") == (95_000, 0)
    assert _usd(street, "shop") == (4_875, 0)


def test_refund_in_parts(street: Street) -> None:
    """USD 100.00 paid directly at a commission of 2.5 %: 33.33 back, then the rest; everybody is where they began."""
    api = street.api
    payment = api.post("shop", "/v1/payments", {"currency": "USD", "amount": 10_000, "payer": street.id("fang")})
    path = f"/v1/payments/{payment['id']}"
    assert (_usd(street, "fang"), _usd(street, "shop")) == ((90_000, 0), (9_750, 0))
    assert api.post("shop", f"{path}/refund", {"amount": 3_333})["amount"] == 3_333
    assert (_usd(street, "fang"), _usd(street, "shop")) == ((93_333, 0), (6_500, 0))
    assert api.post("shop", f"{path}/refund")["amount"] == 6_667
    assert (_usd(street, "fang"), _usd(street, "shop")) == ((100_000, 0), (0, 0))
    assert api.get("shop", path)["refunded"] == 10_000
    listed = api.get("shop", "/v1/refunds", payment=payment["id"])
    assert [refund["amount"] for refund in listed["data"]] == [6_667, 3_333]
    assert api.get("fang", "/v1/refunds", payment=payment["id"]) == listed


def test_open_payment_is_paid_by_the_buyer(street: Street) -> None:
    """A shop asks, nobody in particular; Fang pays from her wallet, in CNY at her own quote."""
    api = street.api
    payment = api.post("other", "/v1/payments", {"currency": "USD", "amount": 5_000})
    assert (payment["state"], payment["payer"]) == ("open", None)
    quote = api.post("fang", "/v1/quotes", {"price_currency": "USD", "pay_currency": "CNY"})
    paid = api.post("fang", f"/v1/payments/{payment['id']}/pay", {"quote": quote["id"]})
    assert (paid["state"], paid["payer"], paid["pay_currency"]) == ("captured", street.id("fang"), "CNY")
    asked = api.post("other", "/v1/payments", {"currency": "USD", "amount": 5_000})
    assert api.post("other", f"/v1/payments/{asked['id']}/cancel")["state"] == "cancelled"


def test_transfer_statement_of_account_and_events(street: Street) -> None:
    """USD 12.34 from Fang to Ming: both see the entry from their side, Ming is told."""
    api = street.api
    sent = api.post("fang", "/v1/transfers", {"payee": street.id("ming"), "currency": "USD", "amount": 1_234})
    mine, theirs = (api.get(who, "/v1/entries", source=sent["id"])["data"] for who in ("fang", "ming"))
    assert [row["movements"] for row in mine] == [
        [{"account": "wallet", "currency": "USD", "amount": -1_234, "mode": "posted"}]
    ]
    assert [row["movements"][0]["amount"] for row in theirs] == [1_234]
    assert mine[0]["source"] == sent["id"]
    assert mine[0]["id"] == theirs[0]["id"]
    (told,) = api.get("ming", "/v1/events", type="transfer.created")["data"]
    assert (told["sequence"], told["data"]["object"]) == (1, sent)
    assert api.get("ming", f"/v1/events/{told['id']}") == told


def test_consent_is_given_seen_and_withdrawn(street: Street) -> None:
    """Without it the market may charge nobody."""
    api = street.api
    order = {"currency": "USD", "amount": 100, "payer": street.id("ming")}
    assert api.try_post("market", "/v1/payments", order).json()["error"]["code"] == "consent_missing"
    given = api.post("ming", "/v1/consents", {"merchant": street.id("market"), "currency": "USD", "ceiling": 100})
    assert api.get("market", f"/v1/consents/{given['id']}") == given
    assert api.try_post("market", "/v1/payments", order).json()["error"]["code"] == "balance_insufficient"
    ended = api.post("ming", f"/v1/consents/{given['id']}/withdraw")
    assert (ended["id"], ended["state"], ended["version"]) == (given["id"], "withdrawn", 2)


def test_statement_brings_money_in(street: Street) -> None:
    """Ming announces CNY 500.00; the bank's statement brings it under the reference, twice read, once booked."""
    api = street.api
    topup = api.post("ming", "/v1/topups", {"currency": "CNY", "amount": 50_000})
    street.deposit("CNY", 50_000, topup["reference"])
    street.deposit("CNY", 777, "for the nice people")
    statement = street.statement("CNY")
    told = api.post_raw("house", "/v1/statements", statement, "application/xml").json()
    assert (told["lines"], told["matched"], len(told["suspense"])) == (2, {"topup": 1}, 1)
    assert api.get("ming", f"/v1/topups/{topup['id']}")["credited"] == 50_000
    again = api.post_raw("house", "/v1/statements", statement, "application/xml").json()
    assert (again["booked_before"], again["matched"]) == (2, {})
    assert _cny(street, "ming") == 50_000


def _usd(street: Street, who: str) -> tuple[int, int]:
    found = {row["currency"]: row for row in street.api.get(who, "/v1/balances")["data"]}
    return (found["USD"]["available"], found["USD"]["pending"]) if found else (0, 0)


def _cny(street: Street, who: str) -> int:
    found = {row["currency"]: row for row in street.api.get(who, "/v1/balances")["data"]}
    available: int = found["CNY"]["available"]
    return available
