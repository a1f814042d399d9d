"""Play a chorale on a sampled piano, transcribe the sound, and draw what was found below what was played."""

from music21 import corpus

import symbolic_music as sm
from symbolic_music.evaluation.transcription_metrics import transcription
from symbolic_music.io import from_music21
from symbolic_music.plotting import save_figure, transcription_figure

chorale = from_music21(corpus.parse("bach/bwv66.6")).clip(0, 12)
notes = chorale.notes.copy()
notes["program"] = 0
played = chorale.replace(notes=notes)
sound = sm.render(played, "soundfont", 22_050)
path = sound.write("chorale.wav")

found = sm.transcribe(path)
sm.transcription.with_bars(found).write("chorale_found.mid")
figure = transcription_figure(sound, found, played, "A chorale on a sampled piano: sound, played, found")
save_figure(figure, "transcription.png")
measured = transcription(played, found)
print(f"chorale_found.mid: {len(found)} notes of {len(played)}, F1 {measured.f1:.2f}; chorale.wav, transcription.png")
