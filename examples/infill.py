"""Rewrite the lower voices in the middle of a Bach chorale, and write it as MIDI, sound and picture."""

from music21 import corpus

import symbolic_music as sm
from symbolic_music.io import from_music21
from symbolic_music.plotting import absent_from, save_piano_roll

original = from_music21(corpus.parse("bach/bwv90.5"))
edited = sm.infill(original, start=8, end=16, tracks=[1, 2, 3], seed=1)
edited.write("edited.mid")
sm.render(edited).write("edited.wav")
save_piano_roll(edited, "edited.png", absent_from(edited, original), (8, 16))
print("wrote edited.mid, edited.wav, edited.png")
