"""A small Jukebox on recordings held out: what each level keeps, what the levels below add, and new sound.

python benchmarks/jukebox.py FOLDER TOP MIDDLE BOTTOM [--count 8] [--seconds 8] [--pictures FOLDER]

FOLDER has NAME.flac with NAME.mid (`data/melodies.py`), of which every twentieth is held out; the others are folders of
levels. Of each recording: note F1 of its transcription (the bundled transcriber; mir_eval, onsets within 50 ms), and
the distance of mel spectra. "Decoded" is the sound of a level's codes by its own decoder; "upsampled" that of the
last level whose codes are written from those of the level named. Nats a code are of held-out codes given those before
them, and the codes above: their own, or those of another recording. New sound: notes a second, share of the notes in
the likeliest key, and the time a second takes.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from arguments import arguments
from result_file import row, write_result
from torch import Tensor

import symbolic_music as sm
from symbolic_music import theory
from symbolic_music.codec import Jukebox, JukeboxSampling, load_jukebox, stream_cascade
from symbolic_music.codec.autoencoder.losses import mel_loss
from symbolic_music.codec.jukebox.level import JukeboxLevel
from symbolic_music.score import Score
from symbolic_music.synthesis.audio import Audio, read_audio

HELD_OUT = 20
NAMES = ("top", "middle", "bottom")


def f1(score: Score, sound: Audio) -> float:
    """Of the notes of a score found in a sound."""
    from mir_eval.transcription import precision_recall_f1_overlap

    found = sm.transcribe(sound)
    if not len(found):
        return 0.0
    tables = []
    for one in (score, found):
        times = np.stack([one.onset_seconds, np.maximum(one.offset_seconds, one.onset_seconds + 0.01)], axis=1)
        tables += [times, theory.hertz(one.notes["pitch"].astype(np.float64))]
    return float(precision_recall_f1_overlap(*tables, offset_ratio=None)[2])


def distance(sound: Audio, real: Audio) -> float:
    """Of mel spectra."""
    count = min(sound.samples.shape[1], real.samples.shape[1])
    a, b = (torch.from_numpy(one.samples[:1, :count].copy())[None] for one in (sound, real))
    return float(mel_loss(a, b, real.sample_rate))


def level_nats(level: JukeboxLevel, codes: Tensor, above: Tensor | None) -> float:
    """Nats a code of a recording's windows."""
    prior, window, total, count = level.prior, level.prior.config.window, 0.0, 0
    label = torch.tensor([0])
    for first in range(0, codes.shape[1] - window + 1, window):
        around = None if above is None or prior.above is None else prior.above.around(above, first, first + window)
        own = codes[:, first : first + window]
        at, whole = torch.tensor([first]), torch.tensor([codes.shape[1]])
        with torch.no_grad():
            total += float(prior.loss(own, at, whole, label, around))
        count += window
    return total / count


def sound_of(jukebox: Jukebox, seconds: float, draw: JukeboxSampling, given: Sequence[Tensor] = ()) -> Audio:
    """What a cascade writes."""
    blocks = list(stream_cascade(jukebox, seconds, draw, given))
    return Audio(np.concatenate(blocks, axis=1), jukebox.sample_rate)


def in_key(score: Score) -> float:
    """Share of the notes in the likeliest key, nan without notes."""
    key = theory.likely_key(score)
    if key is None:
        return float("nan")
    scale = theory.SCALES["harmonic minor" if key >= 12 else "major"]
    return float(np.isin((score.notes["pitch"].astype(int) - key) % 12, scale).mean())


def picture(sounds: dict[str, Audio], path: Path) -> None:
    """Spectrograms, one above the other."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(sounds), 1, figsize=(9, 1.9 * len(sounds)), sharex=True, layout="constrained")
    for axis, (name, sound) in zip(axes, sounds.items(), strict=True):
        axis.specgram(sound.samples[0] + 1e-7, NFFT=512, Fs=sound.sample_rate, noverlap=384, vmin=-110, vmax=-30)
        axis.set_title(name, fontsize=9)
        axis.set(ylabel="Hz", ylim=(0, 4_000))
    figure.savefig(path, dpi=70)
    plt.close(figure)


def main() -> None:
    asked = arguments(
        ("folder", Path), ("top", Path), ("middle", Path), ("bottom", Path), count=8, seconds=8.0, pictures=Path
    )
    warnings.simplefilter("ignore")
    # Folders of levels are all named alike.
    command = f"python benchmarks/jukebox.py FOLDER TOP MIDDLE BOTTOM --count {asked.count} --seconds {asked.seconds:g}"
    jukebox = load_jukebox([asked.top, asked.middle, asked.bottom], "cpu")
    paths = sorted(asked.folder.glob("*.flac"))[::HELD_OUT][: asked.count]
    seconds, draw = asked.seconds, JukeboxSampling(jukebox.instruments[0] if jukebox.instruments else None, seed=1)
    real = [read_audio(path, 0, seconds) for path in paths]
    scores = [sm.read(path.with_suffix(".mid")).clip(0, seconds) for path in paths]
    codes = [jukebox.encode(one) for one in real]
    makers: dict[str, Callable[[int], Audio]] = {"the recording": lambda i: real[i]}
    for number, name in reversed(list(enumerate(NAMES))):
        makers[f"codes of the {name}, decoded"] = lambda i, n=number: Audio(  # type: ignore[misc]
            jukebox.levels[n].codec.decode(codes[i][n][:, None])[0].numpy(), jukebox.sample_rate
        )
    for number, name in ((1, "middle"), (0, "top")):
        makers[f"codes of the {name}, upsampled"] = (
            lambda i, n=number: sound_of(  # type: ignore[misc]
                jukebox, real[i].duration, draw, codes[i][: n + 1]
            )
        )
    sounds: dict[str, list[Audio]] = {}
    rows = []
    for name, make in makers.items():
        sounds[name] = [make(i) for i in range(len(real))]
        notes = [f1(score, sound) for score, sound in zip(scores, sounds[name], strict=True)]
        rows.append(row(f"{name}: note F1", float(np.mean(notes)), "F1"))
        far = [distance(sound, one) for sound, one in zip(sounds[name], real, strict=True)]
        rows.append(row(f"{name}: mel distance", float(np.mean(far)), ""))
    write_result("jukebox", len(real), rows, command=command)
    others = [codes[(i + 1) % len(codes)] for i in range(len(codes))]
    rows = []
    for number, (name, level) in enumerate(zip(NAMES, jukebox.levels, strict=True)):
        pairs = [(own, other) for own, other in zip(codes, others, strict=True)]
        at = number - 1
        mine = [level_nats(level, own[number], own[at] if number else None) for own, _ in pairs]
        rows.append(row(f"the {name}: nats a code", float(np.mean(mine)), "nats"))
        rows.append(row(f"the {name}: of a uniform guess", float(np.log(level.prior.config.size)), "nats"))
        if number:
            short = [min(own[number].shape[1], other[number].shape[1]) for own, other in pairs]
            theirs = [
                level_nats(level, own[number][:, :n], other[at][:, : n // level.prior.config.ratio])
                for (own, other), n in zip(pairs, short, strict=True)
            ]
            rows.append(row(f"the {name}: given another recording's codes above", float(np.mean(theirs)), "nats"))
    write_result("jukebox_nats", len(real), rows, command=command)
    start = time.process_time()
    new = [sound_of(jukebox, seconds, JukeboxSampling(draw.instrument, seed=10 + i)) for i in range(len(real))]
    taken = (time.process_time() - start) / (seconds * len(new))
    rows = []
    for name, many in (("new sound", new), ("the recordings", real)):
        found = [sm.transcribe(one) for one in many]
        rows.append(row(f"{name}: notes a second", float(np.mean([len(one) / seconds for one in found])), ""))
        rows.append(row(f"{name}: notes in the likeliest key", float(np.nanmean([in_key(one) for one in found])), ""))
    rows.append(row("new sound: time of a processor for a second of it", taken, "s"))
    write_result("jukebox_new", len(real), rows, command=command)
    if asked.pictures is not None:
        shown = {name: many[1] for name, many in sounds.items()}
        picture({**shown, "new sound": new[0]}, asked.pictures / "jukebox.png")


if __name__ == "__main__":
    main()
