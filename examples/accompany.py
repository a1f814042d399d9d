"""Keep the soprano of a Bach chorale, and write alto, tenor and bass under it."""

from music21 import corpus

import symbolic_music as sm
from symbolic_music.io import from_music21
from symbolic_music.plotting import absent_from, save_piano_roll

chorale = from_music21(corpus.parse("bach/bwv90.5"))
melody = sm.transforms.select_tracks(chorale, [0])
harmonised = sm.accompany(melody, keep_tracks=[0], seed=1)
harmonised.write("harmonised.mid")
save_piano_roll(harmonised, "harmonised.png", absent_from(harmonised, melody), title="Alto, tenor and bass are written")
print("harmonised.mid:", ", ".join(track.name for track in harmonised.tracks))
