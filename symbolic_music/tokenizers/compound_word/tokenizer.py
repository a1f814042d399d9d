"""Compound words: a bar, a position or a note in one step, with one vocabulary for each field.

Sources: Hsiao et al. 2021 (arXiv 2101.02402); MidiTok 3.1.0.
"""

from __future__ import annotations

from typing import ClassVar

from symbolic_music.tokenizers.bar_grid.miditok_grid import MidiTokOptions
from symbolic_music.tokenizers.bar_grid.preset_tokenizer import Scheme, SchemeTokenizer
from symbolic_music.tokenizers.base import Ids
from symbolic_music.tokenizers.compound_word.default import CompoundDefault
from symbolic_music.tokenizers.compound_word.miditok import MidiTokCompound
from symbolic_music.tokenizers.compound_word.original import SCHEME as ORIGINAL


class CompoundTokenizer(SchemeTokenizer):
    """Scores to and from compound words.

    Preset `default`, ours, one sequence for all parts, nine fields: family, bar or position, pitch, velocity,
    duration, program, part, tempo, meter. A bar word names its meter, a position word the tempo in force, a note word
    its program (-1: drums) and part. Grid, classes, and what is lost on the way are those of `remi`'s default, and so
    are the differences from MidiTok. With `use_chords` a tenth field names the chord in force at each position, tempo
    change or not (MidiTok's CPWord loses a chord where the tempo changes, or where another part's notes come first).

    Preset `miditok`: ids of MidiTok 3.1.0's CPWord, with the options of `remi`'s preset of this name. With
    `use_rests` and `use_time_signatures` a meter change whose bar line lies in a rest is lost, as MidiTok warns.

    Preset `original`: the seven fields of the paper's code; see `compound_original`.
    """

    name: ClassVar[str] = "compound"
    ids_a_note = 1.7

    def fewest_ids_a_note(self, positions: float) -> float:
        """A word, and that of a position now and then."""
        return 1.0 + positions

    def without_end(self, ids: Ids) -> Ids:
        """Preset `original` ends a piece with a bar and EOS."""
        return ids[:-2] if self.preset == "original" else ids

    def _build(self, preset: str, options: MidiTokOptions) -> Scheme:
        if preset == "miditok":
            return MidiTokCompound(options)
        return ORIGINAL if preset == "original" else CompoundDefault(options.use_chords)
