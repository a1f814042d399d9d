import pytest

from symbolic_music.corpora.datasets.splits import TEST, TRAIN, VALIDATION, filled

ALL = (TRAIN, VALIDATION, TEST)


def test_splits_that_are_there_stay_as_they_are():
    groups = {"a": TRAIN, "b": VALIDATION, "c": TEST, "d": TRAIN}
    assert filled(groups, ALL) == groups


@pytest.mark.parametrize("count", range(3, 30))
def test_none_is_empty_from_three_pieces_on(count):
    found = filled({f"{i:02}": TRAIN for i in range(count)}, ALL)
    assert set(found.values()) == set(ALL)
    assert list(found.values()).count(TRAIN) == count - 2


def test_what_is_moved_depends_on_the_keys_alone():
    groups = {"c": TRAIN, "a": TRAIN, "b": TRAIN}
    assert filled(groups, ALL) == filled(dict(sorted(groups.items())), ALL)
    assert filled(groups, ALL)["c"] == VALIDATION


def test_fewer_pieces_than_splits_keep_the_first():
    assert filled({"a": TRAIN}, ALL) == {"a": TRAIN}
    assert filled({"a": TRAIN, "b": TRAIN}, ALL) == {"a": TRAIN, "b": VALIDATION}
    assert filled({}, ALL) == {}
    assert filled({"a": TEST, "b": TEST}, ALL) == {"a": TEST, "b": TRAIN}


def test_only_what_is_wanted_is_filled():
    assert filled({"a": TRAIN, "b": TRAIN, "c": TRAIN}, (TRAIN, TEST)) == {"a": TRAIN, "b": TRAIN, "c": TEST}
