"""The Merkle tree of RFC 9162, by definition: hashes and proofs for every small size, as section 2.1 says."""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handfast.domain.heads import merkle
from handfast.domain.heads.merkle import Tree, consistency, hash_of, inclusion, leaf_hash
from handfast_verify.merkle import Growing, consistent, root_from

SIZES = range(1, 71)
LEAVES = [leaf_hash(bytes([n])) for n in range(70)]

# The eight leaves and their roots that certificate-transparency implementations have tested with since RFC 6962.
KNOWN = [bytes.fromhex(word) for word in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
KNOWN.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
KNOWN_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def mth(leaves: Sequence[bytes]) -> bytes:
    """MTH of leaf hashes, word for word as section 2.1.1 defines it."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\1" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def grown(leaves: Sequence[bytes]) -> Tree:
    tree = Tree(0, [])
    list(tree.extend(leaves))
    return tree


def path(number: int, leaves: Sequence[bytes]) -> list[bytes]:
    return [mth(leaves[start:end]) for start, end in inclusion(number, 0, len(leaves))]


def proof(first: int, leaves: Sequence[bytes]) -> list[bytes]:
    return [mth(leaves[start:end]) for start, end in consistency(first, len(leaves))]


def test_known_leaves_have_the_known_roots() -> None:
    hashes = [leaf_hash(data) for data in KNOWN]
    roots = [mth(hashes[:n]).hex() for n in range(1, 9)]
    assert roots == KNOWN_ROOTS
    assert [grown(hashes[:n]).root.hex() for n in range(1, 9)] == KNOWN_ROOTS


def test_the_empty_tree() -> None:
    assert grown([]).root == Growing().root() == sha256(b"").digest()


@pytest.mark.parametrize("size", SIZES)
def test_every_leaf_of_every_size_is_proved_by_its_own_path_only(size: int) -> None:
    leaves = LEAVES[:size]
    root = mth(leaves)
    assert grown(leaves).root == root
    for number, leaf in enumerate(leaves):
        found = path(number, leaves)
        assert root_from(leaf, number, size, found) == root
        assert root_from(leaf_hash(b"other"), number, size, found) != root
        assert size == 1 or root_from(leaf, (number + 1) % size, size, found) != root
        assert root_from(leaf, number, size, [*found, leaf]) is None
        assert not found or root_from(leaf, number, size, found[:-1]) != root


@pytest.mark.parametrize("second", SIZES)
def test_every_size_continues_every_smaller_one(second: int) -> None:
    root = mth(LEAVES[:second])
    for first in range(1, second + 1):
        found = proof(first, LEAVES[:second])
        assert consistent(first, mth(LEAVES[:first]), second, root, found)
        other = mth([leaf_hash(b"other"), *LEAVES[1:first]])
        assert not consistent(first, other, second, root, found)
        assert not consistent(first, mth(LEAVES[:first]), second, other, found)
        assert not consistent(first, mth(LEAVES[:first]), second, root, [*found, root])


@given(st.lists(st.integers(1, 700), min_size=1, max_size=6))
def test_a_tree_that_grows_by_slices_is_the_tree_of_all(slices: list[int]) -> None:
    leaves = [leaf_hash(n.to_bytes(4, "big")) for n in range(sum(slices))]
    tree, other = Tree(0, []), Growing()
    kept: dict[merkle.Full, bytes] = {}
    place = 0
    for count in slices:
        kept.update(tree.extend(leaves[place : place + count]))
        other.add(leaves[place : place + count])
        place += count
        assert tree.root == other.root() == mth(leaves[:place])
    assert tree.size == other.size == place
    for (level, number), found in kept.items():
        assert level >= merkle.BLOCK
        assert found == mth(leaves[number << level : (number + 1) << level])
    assert kept == other.full
    assert len(kept) == sum(place >> level for level in range(merkle.BLOCK, 20))


@given(st.data())
def test_a_range_that_a_proof_names_is_made_of_full_subtrees(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 2_000))
    leaves = [leaf_hash(n.to_bytes(4, "big")) for n in range(size)]

    def full(part: merkle.Full) -> bytes:
        level, number = part
        assert (number + 1) << level <= size
        return mth(leaves[number << level : (number + 1) << level])

    number = data.draw(st.integers(0, size - 1))
    path = [hash_of(span, full) for span in inclusion(number, 0, size)]
    assert root_from(leaves[number], number, size, path) == mth(leaves)
    first = data.draw(st.integers(1, size))
    proof = [hash_of(span, full) for span in consistency(first, size)]
    assert consistent(first, mth(leaves[:first]), size, mth(leaves), proof)
