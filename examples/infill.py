"""Rewrite the lower voices in the middle of a Bach chorale; write the likeliest of three as MIDI, sound and picture."""

from music21 import corpus

import symbolic_music as sm
from symbolic_music.io import from_music21
from symbolic_music.plotting import absent_from, save_piano_roll

original = from_music21(corpus.parse("bach/bwv90.5"))
limits = sm.Limits(lowest=40, highest=69)
session = sm.edit(original, bars=(4, 6), tracks=[1, 2, 3], seed=1, count=3, limits=limits)
for note in session.stream():  # closing this iterator would end the edit, and keep what is written so far
    if note.alternative == 0 and note.track == 3:
        print(f"{note.onset_seconds:5.2f} s  bass {note.pitch}")
alternatives = sm.ranked(session.results())
for number, one in enumerate(alternatives, start=1):
    one.score.write(f"edited-{number}.mid")
    print(f"edited-{number}.mid: {len(one.notes)} notes, log-likelihood {one.log_likelihood:.2f} a note")
best = alternatives[0].score
sm.render(best).write("edited-1.wav")
save_piano_roll(best, "edited-1.png", absent_from(best, original))
