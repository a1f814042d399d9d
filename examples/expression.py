"""Change how notes are played: read the six controls of a violin line, change some, render again.

    python examples/expression.py

Writes plain.wav, changed.wav and controls.json into the folder that it is run in.
"""

from symbolic_music import render
from symbolic_music.score import Score, note_table
from symbolic_music.synthesis.midi_ddsp.expression import express, write_expression

VIOLIN = 40
LINE = ((0, 67), (1, 69), (2, 71), (3, 74), (5, 72), (6, 71), (7, 69))

rows = [(480 * beat, 480 * (2 if beat == 3 else 1), pitch, 80, VIOLIN, 0, 0) for beat, pitch in LINE]
score = Score(480, note_table(rows))
render(score, "midi-ddsp").write("plain.wav")

expression = express(score)
expression.column("vibrato")[3] = 0.15  # the long note: 0.15 / 0.375 = 0.4 semitones either way
expression.column("volume")[3] += 4
expression.column("brightness")[4:] *= 0.7
expression.column("attack_noise")[0] += 10
render(score, "midi-ddsp", expression=expression).write("changed.wav")

path = write_expression(expression, score, "controls.json")
print(path.read_text())
