"""Give the model the first bars of a Bach chorale, and let it go on for ten seconds."""

from music21 import corpus

import symbolic_music as sm
from symbolic_music.io import from_music21
from symbolic_music.plotting import absent_from, save_piano_roll

prompt = from_music21(corpus.parse("bach/bwv90.5")).clip(0, 12)
longer = sm.generate(prompt, seconds=10, seed=2)
longer.write("continued.mid")
save_piano_roll(longer, "continued.png", absent_from(longer, prompt), title="12 s given, then 10 s written")
print(f"continued.mid: {len(prompt)} notes given, {len(longer) - len(prompt)} written")
