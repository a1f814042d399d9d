"""How well the mark of rendered sound is found, and how seldom it is found where there is none.

    python benchmarks/mark.py --maestro FOLDER --lakh FOLDER [--count 12] [--keys 400]

Half-minute renders (ddsp and the SoundFont in turn) of pieces of both folders, marked, and changed as sound is changed:
Opus at 32 kbit/s (libsndfile's encoder), other rates, noise at 20 dB, MP3 at its lowest quality; then cut to ten
seconds at three places. False positives: the same sound without a mark, uncut and cut, and marks of other keys.
"""

from __future__ import annotations

import io
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from arguments import parser_of
from result_file import row, write_result

import symbolic_music as sm
from symbolic_music.synthesis.audio import Audio
from symbolic_music.synthesis.watermark import KEY, THRESHOLD, correlation, differences, marked

RATE, SECONDS, CUT = 44_100, 30.0, 10.0
STARTS = (1.237, 9.81, 18.463)  # seconds


def encoded(audio: Audio, rate: int, **form: Any) -> Audio:
    """Through an encoder of libsndfile and back."""
    file = io.BytesIO()
    soundfile.write(file, soxr.resample(audio.samples.T, audio.sample_rate, rate), rate, **form)
    file.seek(0)
    samples, _ = soundfile.read(file, dtype="float32", always_2d=True)
    return Audio(samples.T, rate)


def opus(audio: Audio) -> Audio:
    """At 32 kbit/s: libsndfile takes 6 to 256 kbit/s a channel from best to worst by its level."""
    return encoded(audio, 48_000, format="OGG", subtype="OPUS", compression_level=1 - 20_000 / 500_000)


def mp3(audio: Audio) -> Audio:
    """At the lowest quality."""
    return encoded(audio, 44_100, format="MP3", subtype="MPEG_LAYER_III", compression_level=0.99)


def resampled(audio: Audio) -> Audio:
    """To 22,050 Hz and back."""
    low = soxr.resample(audio.samples.T, RATE, 22_050)
    return Audio(soxr.resample(low, 22_050, RATE).T, RATE)


def noisy(audio: Audio) -> Audio:
    """With white noise 20 dB under it."""
    noise = np.random.default_rng(0).normal(size=audio.samples.shape) * 0.1 * audio.samples.std()
    return Audio((audio.samples + noise).astype(np.float32), RATE)


CHANGES = {"as it is": lambda audio: audio, "Opus at 32 kbit/s": opus, "22,050 Hz and back": resampled,
           "noise at 20 dB": noisy, "MP3 at its lowest quality": mp3}  # fmt: skip


def cuts(audio: Audio) -> list[Audio]:
    """Ten seconds at three places."""
    rate = audio.sample_rate
    return [Audio(audio.samples[:, int(s * rate) : int((s + CUT) * rate)], rate) for s in STARTS]


def sounds(folders: list[Path], count: int) -> list[Audio]:
    """Renders of pieces of each folder, by two synths in turn."""
    found = []
    for folder in folders:
        paths, some = sorted(folder.rglob("*.mid*")), 0
        for path in paths[:: max(1, len(paths) // (2 * count))]:
            score = sm.read(path)
            if score.duration > 20 + SECONDS and some < count:
                excerpt = score.clip(20, 20 + SECONDS)
                if len(excerpt) > SECONDS:
                    found.append(sm.render(excerpt, ("ddsp", "soundfont")[some % 2], RATE))
                    some += 1
    return found


def main() -> None:
    """Measure, print and store."""
    parser = parser_of(count=12, keys=400)
    parser.add_argument("--maestro", type=Path, required=True)
    parser.add_argument("--lakh", type=Path, required=True)
    given = parser.parse_args()
    scores, false, under = defaultdict[str, list[float]](list), list[float](), list[float]()
    for number, sound in enumerate(sounds([given.maestro, given.lakh], given.count)):
        plain = [differences(one) for one in [sound, *cuts(sound)]]
        false += [correlation(change, key) for change in plain for key in range(KEY, KEY + given.keys)]
        signed = marked(sound)
        under.append(float(20 * np.log10((signed.samples - sound.samples).std() / sound.samples.std())))
        for name, change in CHANGES.items():
            scores[name] += [correlation(differences(one), KEY) for one in cuts(change(signed))]
        print(number, {name: np.round(found[-3:], 1).tolist() for name, found in scores.items()}, flush=True)
    rows = [row(f"marks found in ten seconds, {name}", 100 * float(np.mean(np.array(found) > THRESHOLD)), "%")
            for name, found in scores.items()]  # fmt: skip
    rows += [row(f"smallest score, {name}", min(found), "") for name, found in scores.items()]
    rows += [row("marks found where there is none", 100 * float(np.mean(np.array(false) > THRESHOLD)), "%"),
             row("largest score where there is none", max(false), ""), row("trials without a mark", len(false), ""),
             row("threshold", THRESHOLD, ""),
             row("what the mark adds, beside the sound", float(np.mean(under)), "dB")]  # fmt: skip
    write_result("mark", len(scores["as it is"]), rows)


if __name__ == "__main__":
    main()
