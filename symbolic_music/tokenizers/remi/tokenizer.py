"""REMI: time as bars and positions, a note as pitch, velocity and duration.

Sources: Huang & Yang 2020 (arXiv 2002.00212); with programs and meters von Rütte et al. 2022 (REMI+); MidiTok 3.1.0.
"""

from __future__ import annotations

from typing import ClassVar

from symbolic_music.tokenizers.bar_grid.miditok_grid import MidiTokOptions
from symbolic_music.tokenizers.bar_grid.preset_tokenizer import Scheme, SchemeTokenizer
from symbolic_music.tokenizers.remi.default import RemiDefault
from symbolic_music.tokenizers.remi.miditok import MidiTokRemi
from symbolic_music.tokenizers.remi.original import SCHEME as ORIGINAL


class RemiTokenizer(SchemeTokenizer):
    """Scores to and from bars, positions and notes.

    Preset `default`, ours, one sequence for all parts:
    `Bar TimeSig (Position [Tempo] ([Program [Part]] Pitch Velocity Duration)*)*`, 24 positions a quarter note.
    Program (-1: drums) is written when the part changes and first in every bar, Part_n for the (n+1)th track of one
    program. It differs from MidiTok's REMI in this:

    - every bar has its Bar token, whatever is silent (MidiTok loses those that a Rest crosses);
    - bars are not numbered (MidiTok's numbers skip);
    - malformed ids raise TokenError on decoding (MidiTok skips such notes silently);
    - all 128 pitches, and meters up to eight quarters with denominators 1 to 32, are in the vocabulary (MidiTok drops
      notes outside 21-109 and meters outside nine); a meter change inside a bar is kept where it is, as a bar of the
      length that is left, when a meter of that length exists (MidiTok moves it to the next bar line);
    - triplets and 32nds are exact (MidiTok: 8 steps a beat); tempos are 96 classes of 2.9 % (MidiTok: 6.8 a minute);
    - tracks that share a program stay apart (MidiTok merges them).

    With `use_chords` a position may name the chord that begins there, found as the paper does (`chords.remi`):
    `Position [Chord] [Tempo] ...`. Decoding reads past chords.

    Lost on the way (default): onsets finer than 1/24 quarter; durations finer than 1/24 (to two quarters), 1/12 (to
    four), 1/4 (to eight), 1/2 (to sixteen), and beyond sixteen quarters; velocity finer than 4; tempo finer than
    1.5 %; order and names of tracks (they come back by program), drum kits, a 33rd track of one program; channels,
    controllers, pedal, bends, keys, texts.

    Preset `miditok`: ids of MidiTok 3.1.0's REMI, options `use_tempos`, `use_time_signatures` (on by default),
    `use_chords`, `use_programs`, `use_rests`, `one_token_stream_for_programs`; without `use_programs` (or with one
    stream off) `encode` gives a list with one array a track. Lost besides: notes outside 21-109 (drums 27-88), meters
    but nine, onsets finer than an eighth of a beat, durations beyond twelve beats, tempo without its option, programs
    without theirs. Decoding gives drum tracks for PitchDrum.

    Preset `original`: the scheme of the paper's code; see `remi.original`.
    """

    name: ClassVar[str] = "remi"

    def fewest_ids_a_note(self, positions: float) -> float:
        """Pitch, velocity, duration, and a position now and then."""
        return 4.0 if self.preset == "original" else 3.0 + positions

    def _build(self, preset: str, options: MidiTokOptions) -> Scheme:
        if preset == "miditok":
            return MidiTokRemi(options)
        return ORIGINAL if preset == "original" else RemiDefault(options.use_chords)
