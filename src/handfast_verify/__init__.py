"""The independent reader of Handfast's books: it shares no code with the service, and names what does not hold.

It reads a SQLite file, a PostgreSQL database or an export directory, in one pass and bounded memory, and checks that

- entries balance in each currency, floors and caps hold at every place, pending money is resolved once (B1, B2);
- balances, pending money and statements of account are what the entries come to (B10);
- each object's events count without a gap, and the last one is its row; each row agrees with its entries (B5 to B8);
- every sealed row is what was sealed: the Merkle tree is computed anew, each signed head held against it (B9).
"""

from handfast_verify.findings import Fault, Result
from handfast_verify.run import verify

__all__ = ["Fault", "Result", "verify"]
