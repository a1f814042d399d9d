"""The same two bars in every encoding, as a picture: python examples/encodings.py [encodings.png]"""

import sys

import numpy as np

from symbolic_music import tokenizers
from symbolic_music.plotting import encodings, save_figure
from symbolic_music.score import METER, TEMPO, Score, Track, note_table

MELODY = [(0, 480, 67, 84), (480, 480, 72, 88), (960, 960, 76, 96), (1920, 720, 74, 90), (2640, 240, 72, 80),
          (2880, 960, 71, 86)]  # fmt: skip
BASS = [(0, 1920, 48, 70), (1920, 1920, 43, 70)]

score = Score(
    ticks_per_quarter=480,
    notes=note_table([(*n, 73, 0, 0) for n in MELODY] + [(*n, 32, 0, 1) for n in BASS]),
    tempos=np.array([(0, 500_000)], TEMPO),
    meters=np.array([(0, 4, 4)], METER),
    tracks=(Track("Flute", 73), Track("Bass", 32)),
)
shown = {
    "Performance events (note-seq, 388 ids)": tokenizers.get("performance"),
    "REMI, as its authors wrote it": tokenizers.get("remi", preset="original"),
    "REMI, MidiTok's, with programs": tokenizers.get("remi", preset="miditok", use_programs=True),
    "REMI, ours": tokenizers.get("remi"),
    "Compound words, as their authors wrote them": tokenizers.get("compound", preset="original"),
    "Compound words, ours": tokenizers.get("compound"),
    "Anticipation, bass given as controls": tokenizers.get("anticipation", control_programs=(32,)),
    "Anticipation, expressive": tokenizers.get("anticipation", preset="expressive"),
    "Anticipation, interarrival": tokenizers.get("anticipation", preset="interarrival"),
}
figure = encodings(score, list(shown.values()), list(shown))
print(save_figure(figure, sys.argv[1] if len(sys.argv) > 1 else "encodings.png"))
