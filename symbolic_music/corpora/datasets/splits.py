"""Splits by the hash of a piece, independent of order and of the other pieces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from symbolic_music.errors import OptionError

TRAIN, VALIDATION, TEST = "train", "validation", "test"


def by_first_digit(key: str) -> str:
    """Lakh's published splits: of the first hex digit of a hash, e is validation, f is test, the rest train."""
    return {"e": VALIDATION, "f": TEST}.get(key[0].lower(), TRAIN)


def by_shares(key: str, shares: tuple[int, int, int]) -> str:
    """The split of a hash of at least 16 hex digits, when train, validation and test have these per cent."""
    at = int(key[:16], 16) * 100 >> 64
    return TRAIN if at < shares[0] else VALIDATION if at < shares[0] + shares[1] else TEST


def filled(groups: Mapping[str, str], wanted: Sequence[str]) -> dict[str, str]:
    """Splits of groups of pieces, by their keys, so that none that is wanted is empty as far as there are groups.

    What is missing is taken from the split that has most groups, the last by its key; each keeps at least one.
    """
    found = dict(groups)
    for name in wanted:
        if not found or name in found.values():
            continue
        counts = Counter(found.values())
        largest, most = min(counts.items(), key=lambda item: (-item[1], item[0]))
        if most > 1:
            found[max(key for key, split in found.items() if split == largest)] = name
    return found


def parse_shares(text: str) -> tuple[int, int, int]:
    """Shares such as 90/5/5, whole per cent of train, validation and test.

    Raises:
        OptionError: when they are not three, or do not add up to 100.
    """
    try:
        train, validation, test = (int(part) for part in text.split("/"))
    except ValueError:
        raise OptionError(f"--splits takes three shares such as 90/5/5, not {text!r}") from None
    if min(train, validation, test) < 0 or train + validation + test != 100:
        raise OptionError(f"the shares of --splits add up to 100, such as 90/5/5, not {text}")
    return train, validation, test
