"""Hear a phrase, and find out by descent through the synthesizer when, how hard and how high its notes were played."""

import numpy as np

from symbolic_music import Score, render
from symbolic_music.score import BEND, note_table
from symbolic_music.synthesis import fit_notes

FLUTE = 73
truth = [(120, 67, 58), (400, 71, 92), (700, 74, 75), (1010, 79, 104)]  # milliseconds, pitch, velocity
notes = note_table([(on, 280, pitch, velocity, FLUTE, 0, 0) for on, pitch, velocity in truth])
played = Score(500, notes, bends=np.array([(0, 700, 0)], BEND))  # 17 cents sharp
heard = render(played, sample_rate=8000, reverb=0.0, gain=-6.0)
heard.write("heard.wav")

# What a score says of it: a beat of 300 ms, everything at one strength, in tune.
written = Score(
    500, note_table([(100 + 300 * i, 280, pitch, 80, FLUTE, 0, 0) for i, (_, pitch, _) in enumerate(truth)])
)
found = fit_notes(written, heard, gain=-6.0, steps=60)
print("      onset, ms      velocity    cents (+17.1)")
for i, (onset, pitch, velocity) in enumerate(truth):
    cents = 100 * (found.pitch[i] - pitch)
    found_ms = 1000 * found.onset_seconds[i]
    print(f"{pitch}: {found_ms:6.1f} ({onset:4}) {found.velocity[i]:5.1f} ({velocity:3}) {cents:+5.1f}")
