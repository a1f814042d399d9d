"""Listening tests: a blind page as one file, and statistics of the answers."""

from symbolic_music.evaluation.listening.answers import read_answers
from symbolic_music.evaluation.listening.page import KINDS, Clip, listening_page
from symbolic_music.evaluation.listening.statistics import Judged, Strength, bradley_terry, holm, judge, wilcoxon

__all__ = [
    "KINDS",
    "Clip",
    "Judged",
    "Strength",
    "bradley_terry",
    "holm",
    "judge",
    "listening_page",
    "read_answers",
    "wilcoxon",
]
