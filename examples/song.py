"""Write a song of sixteen bars, rewrite piano, bass and drums of four of them; write MIDI, sound and a picture."""

import numpy as np

import symbolic_music as sm
from symbolic_music.plotting import save_piano_roll
from symbolic_music.score import KEY, METER, TEMPO, note_table

# Beethoven's Ode to Joy (1824): letter and octave of each note, and its length in eighths.
VERSE = "E5 2 E5 2 F5 2 G5 2 G5 2 F5 2 E5 2 D5 2 C5 2 C5 2 D5 2 E5 2 "
HALF_CLOSE, CLOSE = "E5 3 D5 1 D5 4 ", "D5 3 C5 1 C5 4 "
BRIDGE = "D5 2 D5 2 E5 2 C5 2 D5 2 E5 1 F5 1 E5 2 C5 2 D5 2 E5 1 F5 1 E5 2 D5 2 C5 2 D5 2 G4 4 "
TUNE = VERSE + HALF_CLOSE + VERSE + CLOSE + BRIDGE + VERSE + CLOSE
PITCHES = dict(zip("CDEFGAB", (0, 2, 4, 5, 7, 9, 11), strict=True))
# The chord of each bar, as its bass and its notes.
C, G, A = (36, (60, 64, 67)), (43, (59, 62, 67)), (45, (60, 64, 69))
CHORDS = (C, G, A, G, C, G, A, C, G, C, G, G, C, G, A, C)
EIGHTH = 240  # ticks; 480 a quarter


def song() -> sm.Score:
    """Flute, electric piano, bass and drums: the arrangement belongs to this library and is as free as its code."""
    words, at, rows = TUNE.split(), 0, []
    for name, length in zip(words[::2], words[1::2], strict=True):
        pitch = 12 * (int(name[1]) + 1) + PITCHES[name[0]]
        rows.append((at, int(length) * EIGHTH - 20, pitch, 96 if at % 1920 == 0 else 86, 73, 0, 0))
        at += int(length) * EIGHTH
    for bar, (root, chord) in enumerate(CHORDS):
        start = bar * 8 * EIGHTH
        for eighth, length in ((0, 3), (3, 1), (4, 2), (6, 2)):  # the comping of the piano
            rows += [(start + eighth * EIGHTH, length * EIGHTH - 40, p, 70, 4, 1, 1) for p in chord]
        for eighth, step in ((0, 0), (3, 0), (4, 7), (6, 12), (7, 7)):  # root, fifth and octave of the bass
            rows.append((start + eighth * EIGHTH, EIGHTH - 20, root + step, 88 - 6 * (eighth % 2), 33, 2, 2))
        for eighth in range(8):
            drums = (
                [42] + [36] * (eighth in (0, 3, 4)) + [38] * (eighth in (2, 6)) + [38] * (eighth == 7 and bar % 4 == 3)
            )
            rows += [(start + eighth * EIGHTH, 60, drum, 92 if drum != 42 else 66 + 14 * (eighth % 2 == 0), 0, 9, 3)
                     for drum in drums]  # fmt: skip
    return sm.Score(
        notes=note_table(sorted(rows)), tempos=np.array([(0, 500_000)], TEMPO), meters=np.array([(0, 4, 4)], METER),
        keys=np.array([(0, 0, 0)], KEY),
        tracks=(sm.Track("Melody", 73), sm.Track("Piano", 4), sm.Track("Bass", 33), sm.Track("Drums", 0, is_drum=True)),
    )  # fmt: skip


original = song()
original.write("song.mid")
session = sm.edit(sm.read("song.mid"), bars=(9, 12), tracks=["Piano", "Bass", "Drums"], seed=1, count=4)
best = sm.ranked_by_fit(session.finish())[0]
best.score.write("edited.mid")
excerpt = best.score.clip(12, 28)  # bars 7 to 14
sm.render(excerpt).write("edited.wav")
written = (excerpt.notes["track"] > 0) & (excerpt.onset_seconds >= 4) & (excerpt.onset_seconds < 12)
save_piano_roll(excerpt, "edited.png", written, (4, 12))
print(f"song.mid: {len(original)} notes; edited.mid: {len(best.notes)} new ones in bars 9 to 12")
