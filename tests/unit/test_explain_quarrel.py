"""explain, after all that can happen to a sale: refusal, dispute, partial decision, appeal, refund after release.

It is played over HTTP and by the sandbox's commands on a running service, and then told by `handfast explain`.
"""

import json
import re
import socket
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from handfast.domain.policies import preset_text

HANDFAST = Path(sys.executable).with_name("handfast")
PNG = b"\x89PNG\r\n\x1a\n".ljust(5 * 1024 * 1024, b"\0")
PHOTO = {"kind": "file", "name": "half.png", "media_type": "image/png", "file": b64encode(PNG).decode()}

STORY = """\
the buyer: 900.00 USD were paid, and are held for the trade.
    900.00 USD exchange → held
    5502.16 CNY the buyer → exchange
the merchant: The seller shipped (US1).
the buyer: 900.00 USD went to the seller; nothing is held any more.
    31.50 USD held → commission
    12.00 USD held → affiliate
    856.50 USD held → the seller
    85.65 USD the seller → reserve of the seller
the buyer: The clock stopped for the claim.
the buyer: The buyer asked for 600.00 USD back: it is not as described; the buyer keeps the goods.
the merchant: The seller refused the claim.
the buyer: The claim became a dispute.
the buyer: The clock stopped for the dispute.
the buyer: The buyer opened a dispute about 600.00 USD.
the buyer: The buyer showed a file, for the case handler alone.
the merchant: The seller showed a tracking number.
the buyer: The buyer has nothing more to show.
the merchant: The time for evidence was over: a case handler decides.
the operator: A decision was proposed; a second person has to agree.
the operator: Proposed by KEY: 450.00 USD go back to the buyer, and the trade goes on. “Half of it is missing.”
the operator: Refused: second_person_needed, somebody who has not decided on this yet must do this.
the operator: The case handler decided: 450.00 USD go back to the buyer, and the trade goes on.
the operator: Decided by KEY, agreed to by KEY: 450.00 USD go back to the buyer, and the trade goes on. \
“Half of it is missing.”
the merchant: The seller showed a message.
the merchant: The seller appealed: another case handler decides anew.
the operator: Refused: second_person_needed, somebody who has not decided on this yet must do this.
the operator: A decision was proposed; a second person has to agree.
the operator: Proposed by KEY: 300.00 USD go back to the buyer, and the trade goes on. “The scale shows a third.”
the operator: The dispute ended: 300.00 USD go back to the buyer, and the trade goes on.
the operator: Decided by KEY, agreed to by KEY: 300.00 USD go back to the buyer, and the trade goes on. \
“The scale shows a third.”
the operator: The claim ended with the decision.
the operator: 300.00 USD went back to the buyer; the trade is released.
the operator: A refund of 300.00 USD, 1834.05 CNY as it was paid.
    285.50 USD advanced for the seller → exchange
    4.00 USD advanced for affiliate → exchange
    10.50 USD commission → exchange
    1834.05 CNY exchange → the buyer
    100.00 USD the seller → owed by the seller
    85.65 USD reserve of the seller → owed by the seller
    4.00 USD affiliate → owed by affiliate
  Of the 285.50 USD that the seller gives back, 100.00 USD came from its balance, 85.65 USD came from its reserve, \
the operator advanced 99.85 USD, which the seller owes.
  Of the 4.00 USD that affiliate gives back, 4.00 USD came from its balance.
"""


class Service:
    """A sandbox that is served, and the keys to it; each request has an idempotency key, so that refusals are kept."""

    def __init__(self, data: Path, keys: Any) -> None:
        self.data = data
        self.keys = keys
        self.bearers = {name: keys[name]["api_key"] for name in ("merchant", "operator", "approver")}
        self._http = httpx.Client(base_url=keys["base_url"])
        self._asked = 0

    def ask(self, who: str, path: str, body: Any = None) -> httpx.Response:
        self._asked += 1
        headers = {"authorization": f"Bearer {self.bearers[who]}", "idempotency-key": str(self._asked)}
        return self._http.post(path, json=body or {}, headers=headers)

    def get(self, who: str, path: str) -> httpx.Response:
        return self._http.get(path, headers={"authorization": f"Bearer {self.bearers[who]}"})

    def do(self, who: str, path: str, body: Any = None) -> Any:
        answer = self.ask(who, path, body)
        assert answer.is_success, answer.text
        return answer.json()

    def key(self, name: str, party: str, *scopes: str) -> None:
        """A further key, for a further person."""
        made = self.do("operator", "/v1/api_keys", {"party": party, "name": name, "scopes": list(scopes)})
        self.bearers[name] = made["secret"]

    def command(self, *words: str) -> str:
        done = subprocess.run([HANDFAST, *words, "--data", self.data], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def buyer(self, *words: str) -> Any:
        return json.loads(self.command("sandbox", "buyer", *words))

    def close(self) -> None:
        self._http.close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    data = tmp_path / "data"
    subprocess.run([HANDFAST, "sandbox", "init", data, "--port", str(port)], check=True, capture_output=True)
    with subprocess.Popen([HANDFAST, "serve", "--data", data], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline().startswith("handfast is ready")
        service = Service(data, json.loads((data / "sandbox.json").read_bytes()))
        yield service
        service.close()
        server.terminate()


def reserved() -> Any:
    """The default book, whose express policy keeps a tenth in reserve for a week."""
    book = json.loads(preset_text("taobao"))
    (policy,) = (each for each in book["policies"] if each["name"] == "taobao-express")
    policy |= {"version": 2, "reserve": {"share_bps": 1_000, "period": {"length": 7, "unit": "days"}}}
    return book


def sell(service: Service) -> str:
    """A down vest at USD 900.00, of which an affiliate gets 12.00, paid in yuan, shipped and confirmed."""
    keys = service.keys
    service.do("operator", "/v1/policies", reserved())
    service.key("buyer", keys["buyers"][0], "read", "transfers", "payments")
    service.key("seller", keys["sellers"][0], "read", "payouts", "payments")
    for name in ("third", "fourth"):
        service.key(name, keys["operator"]["id"], "operate")
    share = {"kind": "affiliate", "payee": keys["other_merchant"]["id"], "amount": 12_00}
    line = {"seller": keys["sellers"][0], "amount": 900_00, "title": "down vest", "shares": [share]}
    asked = service.do("merchant", "/v1/payments", {"currency": "USD", "amount": 900_00, "lines": [line]})
    paid = service.buyer("pay", asked["id"], "--currency", "CNY")
    trade: str = paid["lines"][0]["trade"]
    service.do("merchant", f"/v1/trades/{trade}/ship", {"tracking": "US1"})
    assert service.buyer("confirm", trade)["state"] == "released"
    service.do("seller", "/v1/payouts", {"currency": "USD", "amount": 856_50 - 85_65 - 100_00})
    return trade


def quarrel(service: Service, trade: str) -> None:
    """What follows, until the second decision is final."""
    claim = service.buyer("claim", trade, "--amount", "600.00", "--words", "Half of it is missing.")
    early = service.ask("merchant", "/v1/refunds", {"payment": claim["payment"], "trade": trade, "amount": 1_00})
    assert early.json()["error"]["code"] == "claim_open"
    refused = service.do("merchant", f"/v1/claims/{claim['id']}/refuse", {"answer": "It was whole."})
    assert (refused["words"], refused["answer"]) == ("Half of it is missing.", "It was whole.")
    dispute = f"/v1/disputes/{service.buyer('dispute', trade)['id']}"
    shown = service.do("buyer", f"{dispute}/evidence", PHOTO | {"confidential": True})
    assert service.get("buyer", f"/v1/evidence/{shown['id']}/content").content == PNG
    assert service.get("merchant", f"/v1/evidence/{shown['id']}/content").status_code == 404
    assert len(list((service.data / "evidence").rglob(shown["digest"]))) == 1
    service.do("merchant", f"{dispute}/evidence", {"kind": "tracking", "text": "US1"})
    service.do("buyer", f"{dispute}/rest")
    service.do("merchant", f"{dispute}/rest")
    part = {"outcome": "part", "amount": 450_00, "reasons": "Half of it is missing."}
    assert service.do("operator", f"{dispute}/decide", part)["state"] == "proposed"
    assert service.ask("operator", f"{dispute}/approve").json()["error"]["code"] == "second_person_needed"
    assert service.do("approver", f"{dispute}/approve")["state"] == "decided"
    service.do("merchant", f"{dispute}/appeal", {"reasons": "See the weight."})
    less = {"outcome": "part", "amount": 300_00, "reasons": "The scale shows a third."}
    assert service.ask("approver", f"{dispute}/decide", less).json()["error"]["code"] == "second_person_needed"
    assert service.do("third", f"{dispute}/decide", less)["state"] == "proposed_again"
    assert service.do("fourth", f"{dispute}/approve")["state"] == "final"


def told(story: list[Any]) -> str:
    """The story as one would read it, less the ids, in which two runs differ."""
    lines = []
    for step in story:
        lines += [f"{step['who']}: {says}" for says in step["says"]]
        for leg in step["legs"]:
            lines.append(f"    {leg['amount'] // 100}.{leg['amount'] % 100:02} {leg['currency']} {leg['says']}")
        lines += [f"  {words}" for words in step["waterfall"]]
    text = re.sub(r" \(pty_[0-9a-f]{26}\)", "", "\n".join(lines))
    return re.sub(r"key_[0-9a-f]{26}", "KEY", text) + "\n"


def test_a_quarrels_whole_story(service: Service) -> None:
    trade = sell(service)
    quarrel(service, trade)
    life = json.loads(service.command("explain", trade, "--json"))
    assert told(life["story"]) == STORY
    assert [part[:3] for part in life["parts"]] == ["clm", "dis", "evi", "evi", "evi", "ref"]
    assert not any(word in json.dumps(life) for word in ("It was whole", "half.png", "See the weight"))
    printed = service.command("explain", trade)
    sentences = [
        line.partition(": ")[2] for line in STORY.splitlines() if line.startswith("the ") and "KEY" not in line
    ]
    places = [printed.find(sentence) for sentence in sentences]
    assert -1 not in places
    facts = printed.partition("What happened")[0]
    assert "down vest, 900.00 USD: released" in facts
    assert "released 900.00 USD, given back after that 300.00 USD" in facts
    assert "policy taobao-express 2 (pol_" in facts
    assert "commission 31.50 USD (3.5 % of 900.00, capped at 50.00); affiliate 12.00 USD" in facts
    assert "kept back 85.65 USD: 10 % of the 856.50 USD released so far, for 7 days from the release" in facts
