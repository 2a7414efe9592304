"""References of top-ups: read as people and banks write them, and never mistaken for another's."""

import pytest

from handfast.core.ids import seeded_ids
from handfast.domain.topups import reference_of, references_in

REFERENCE = reference_of(bytes(8) + bytes.fromhex("3cc144dc36") + bytes(3))
SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def test_a_reference_is_the_ids_random_bits_and_a_check() -> None:
    assert REFERENCE == "HF7K0M9Q1PP"
    assert reference_of(bytes(16)) == "HF000000000"
    assert reference_of(bytes(12) + b"\x01" + bytes(3)) == "HF000000012"


@pytest.mark.parametrize(
    "text",
    [
        REFERENCE,
        REFERENCE.lower(),
        f"Aufladung {REFERENCE} danke",
        f"HF {REFERENCE[2:6]} {REFERENCE[6:]}",
        f"{REFERENCE[:5]}-{REFERENCE[5:8]}-{REFERENCE[8:]}",
        f"order/{REFERENCE[:9]}\n{REFERENCE[9:]}",
        f"HFHF{REFERENCE[2:]}",
        f"充值 {REFERENCE}。",
        REFERENCE.replace("0", "o").replace("1", "I"),
        REFERENCE.replace("1", "l"),
    ],
)
def test_a_reference_is_found_however_it_was_typed(text: str) -> None:
    assert REFERENCE in references_in(text)


@pytest.mark.parametrize("text", ["", "HF", REFERENCE[:-1], REFERENCE[1:], "rent for November", "ＨＦ１２３"])
def test_other_texts_name_nothing(text: str) -> None:
    assert references_in(text) == set()


def test_two_references_are_both_found() -> None:
    other = reference_of(seeded_ids(3)(1_414_454_400_000_000))
    assert references_in(f"{REFERENCE} and {other}") == {REFERENCE, other}


def test_one_wrong_character_is_noticed() -> None:
    for place in range(2, 11):
        for symbol in set(SYMBOLS) - {REFERENCE[place]}:
            assert references_in(REFERENCE[:place] + symbol + REFERENCE[place + 1 :]) == set()


def test_two_swapped_characters_are_noticed() -> None:
    for first in range(2, 11):
        for second in range(first + 1, 11):
            letters = list(REFERENCE)
            letters[first], letters[second] = letters[second], letters[first]
            if letters[first] != letters[second]:
                assert references_in("".join(letters)) == set()
