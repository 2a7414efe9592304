"""Smoke."""
import time
from handfast.ledger import Entry, Posting, Mode
def a(n,p=1): return bytes([n])*13+bytes([p])+b"\0\x9c"
def test_it(engine):
    e=engine
    e.store.begin()
    print(e.ledger.post([Entry(b"1"*16,"x",(Posting(a(1,16),a(1),100),))],5))
    print(e.ledger.post([Entry(b"2"*16,"x",(Posting(a(1),a(2),100,Mode.PENDING),))],5))
    print(e.ledger.post([Entry(b"3"*16,"x",(Posting(a(1),a(2),60,Mode.POST,b"2"*16),Posting(a(1),a(2),40,)))],5))
    e.store.commit()
    print(e.ledger.balances([a(1),a(2)]))
