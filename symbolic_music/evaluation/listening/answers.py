"""Answers of a listening test, checked and with the key applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from symbolic_music.errors import EvaluationError
from symbolic_music.evaluation.listening.page import Kind

# Of each kind of rating the least and the most.
_SCALES = {"mos": (1, 5), "mushra": (0, 100)}
Rating = Annotated[float, Field(allow_inf_nan=False)]


class _Answer(BaseModel):
    clips: list[str]
    better: str | None = None
    ratings: dict[str, Rating] = Field(default_factory=dict)


class _Sheet(BaseModel):
    test: str
    listener: str
    answers: list[_Answer]


class _Key(BaseModel):
    model_config = ConfigDict(frozen=True)
    test: str
    kind: Kind
    clips: dict[str, tuple[str, str]]


Parsed = TypeVar("Parsed", bound=BaseModel)


def read_answers(answers: Sequence[Mapping[str, Any]], key: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Answers with the key applied, one row a judgement.

    Pairwise: listener, item, better and worse (systems), and tie. Otherwise: listener, item, system, rating.

    Args:
        answers: the saved sheets, one of each listener.
        key: of the page.

    Raises:
        EvaluationError: for what is no sheet or no key, answers of another test, two sheets of one listener, clips that
            are not in the key, and answers that the page cannot give.
    """
    names = _parsed(_Key, key, "the key of a listening test")
    rows: list[dict[str, Any]] = []
    listeners = set[str]()
    for given in answers:
        sheet = _parsed(_Sheet, given, "answers of a listening test")
        if sheet.test != names.test:
            raise EvaluationError(f"answers of test {sheet.test!r} do not belong to test {names.test!r}")
        if sheet.listener in listeners:
            raise EvaluationError(f"there are two sheets of listener {sheet.listener!r}: give each once")
        listeners.add(sheet.listener)
        for answer in sheet.answers:
            rows += _rows(sheet.listener, answer, names)
    return rows


def _parsed(kind: type[Parsed], data: Any, what: str) -> Parsed:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "as a whole"
        raise EvaluationError(f"this is not {what}: {place}: {first['msg']}") from None


def _rows(listener: str, answer: _Answer, key: _Key) -> list[dict[str, Any]]:
    unknown = [clip for clip in (*answer.clips, *answer.ratings) if clip not in key.clips]
    if unknown:
        raise EvaluationError(f"the key has no clip {unknown[0]!r}")
    if key.kind != "pairwise":
        low, high = _SCALES[key.kind]
        if not answer.ratings or not all(low <= rating <= high for rating in answer.ratings.values()):
            raise EvaluationError(f"an answer of listener {listener!r} has no ratings from {low} to {high}")
        return [
            {"listener": listener, "item": key.clips[clip][0], "system": key.clips[clip][1], "rating": rating}
            for clip, rating in answer.ratings.items()
        ]
    if len(answer.clips) != 2 or answer.better not in (None, *answer.clips):
        raise EvaluationError(f"an answer of listener {listener!r} does not choose between two clips")
    first, second = answer.clips
    better = answer.better or first
    worse = second if better == first else first
    row = {"listener": listener, "item": key.clips[first][0]}
    return [{**row, "better": key.clips[better][1], "worse": key.clips[worse][1], "tie": answer.better is None}]
