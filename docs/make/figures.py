"""Figures of the course and the data of its live views: python docs/make/figures.py [NAME ...]

Pictures go to docs/images/how, data and sounds to docs/live/data. All are made by this library from its bundled models,
a chorale of music21's corpus, docs/files/song.mid and benchmarks/results.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from live_data import chorale_ids, intervals, melody, pitch_name, surprise
from matplotlib.figure import Figure

import symbolic_music as sm
from symbolic_music.plotting import save_figure
from symbolic_music.plotting.colours import PALETTE

DOCS = Path(__file__).resolve().parent.parent
PICTURES, DATA = DOCS / "images" / "how", DOCS / "live" / "data"
RESULTS = DOCS.parent / "benchmarks" / "results"


def figure(width: float = 8, height: float = 3, **grid: Any) -> tuple[Figure, Any]:
    """A figure and its axes, without the upper and the right frame."""
    made = Figure(figsize=(width, height), layout="constrained")
    axes = made.subplots(**grid)
    for one in np.ravel(axes):
        one.spines[["top", "right"]].set_visible(False)
    return made, axes


def picture(made: Figure, name: str, dpi: int = 150) -> None:
    """Save a figure of the course."""
    save_figure(made, PICTURES / f"{name}.png", dpi=dpi)


def data(content: Any, name: str) -> None:
    """Save data of a live view, short numbers."""
    rounded = json.loads(json.dumps(content), parse_float=lambda text: round(float(text), 4))
    (DATA / f"{name}.json").write_text(json.dumps(rounded, separators=(",", ":")) + "\n", encoding="utf-8")


def sound(samples: np.ndarray[Any, Any], rate: int, name: str) -> None:
    """Save a mono sound as MP3, which every browser plays."""
    soundfile.write(DATA / f"{name}.mp3", samples, rate, format="MP3", bitrate_mode="CONSTANT", compression_level=0.5)


def song() -> sm.Score:
    """The song of the site."""
    return sm.read(DOCS / "files" / "song.mid")


def spectra() -> None:
    """A second of the song as samples, and four as a spectrogram."""
    audio = sm.render(song().clip(0, 4), sample_rate=22050)
    mono = audio.samples.mean(axis=0)
    made, (wave, near, image) = figure(9, 5.6, nrows=3)
    wave.plot(np.arange(len(mono)) / 22050, mono, lw=0.4, color=PALETTE[0])
    wave.set(xlabel="seconds", ylabel="sample", title="Four seconds")
    part = mono[11000:11441]
    near.plot(np.arange(len(part)) / 22.05, part, ".-", lw=0.6, ms=2.5, color=PALETTE[1])
    near.set(xlabel="milliseconds", ylabel="sample", title="Twenty milliseconds of them: 441 samples")
    image.specgram(mono, NFFT=2048, Fs=22050, noverlap=1536, vmin=-130, cmap="magma")
    image.set(ylim=(0, 5000), xlabel="seconds", ylabel="Hz", title="The four seconds as a spectrogram")
    picture(made, "spectra", 100)
    sound(mono[: 22050 * 4], 22050, "song")


def language_models() -> None:
    """The cost of each note of a chorale under the bundled model."""
    from symbolic_music.models.architectures.anticipatory import table_of_ids

    model, ids, events = chorale_ids()
    with torch.no_grad():
        parts = model.network.losses(table_of_ids(ids))
    made, axis = figure(9, 3.2)
    nats = (parts["time"] + parts["duration"] + parts["note"])[0].numpy()[: len(events)]
    beats, pitch = events[:, 0] / 60, events[:, 2] % 128
    drawn = axis.scatter(
        beats, pitch, c=nats, s=42, cmap="viridis_r", vmin=0, vmax=6, edgecolors="#333", linewidths=0.3
    )
    axis.set(xlabel="quarter notes", ylabel="MIDI pitch")
    made.colorbar(drawn, label="nats")
    picture(made, "surprise")
    print(f"mean {nats.mean():.2f} nats an event")
    data(surprise(), "surprise")


def sampling() -> None:
    """Logits of the next soprano pitch at three moments, and the same at three temperatures."""
    from symbolic_music.tokenizers.anticipation import vocabulary as v

    model, ids, events = chorale_ids()
    with torch.no_grad():
        logits = model.network.forward(ids)[0]
    soprano = int(events[0:4][np.argmax(events[0:4, 2] % 128), 2]) // 128
    rows = [row for row in range(24, len(events)) if events[row, 2] // 128 == soprano]
    first = v.NOTE + 128 * soprano
    cost = [
        -torch.log_softmax(logits[3 * row + 2, first : first + 128], 0)[events[row, 2] % 128].item() for row in rows
    ]
    order = np.argsort(cost)
    moments = []
    for title, place in (("easy", order[len(order) // 8]), ("usual", order[len(order) // 2]), ("hard", order[-3])):
        row = rows[place]
        values = torch.log_softmax(logits[3 * row + 2, first : first + 128], 0)
        top = torch.topk(values, 16).indices.sort().values
        moments.append({
            "title": title, "beat": float(events[row, 0] / 60), "true": pitch_name(int(events[row, 2] % 128)),
            "names": [pitch_name(int(p)) for p in top], "logits": values[top].tolist(),
        })  # fmt: skip
    data({"source": "chorales, BWV 90.5, the next pitch of the soprano", "moments": moments}, "logits")
    made, axes = figure(9, 2.8, ncols=3, sharey=True)
    usual = moments[1]
    for axis, temperature in zip(axes, (0.5, 1.0, 2.0), strict=True):
        p = torch.softmax(torch.tensor(usual["logits"]) / temperature, 0).numpy()
        axis.bar(usual["names"], p, color=PALETTE[0])
        axis.set_title(f"temperature {temperature:g}")
        axis.tick_params(axis="x", labelrotation=90, labelsize=7)
    axes[0].set_ylabel("probability")
    picture(made, "temperature")


def anticipation() -> None:
    """The order in which three models meet the notes of two bars, the bass of the second given."""
    from symbolic_music.score import note_table

    melody = [(480 * i, 440, p, 80, 73, 0, 0) for i, p in enumerate((64, 65, 67, 65, 64, 62, 60, 62))]
    bass = [(960 * i, 900, p, 80, 32, 1, 1) for i, p in enumerate((48, 43, 45, 43))]
    score = sm.Score(notes=note_table(sorted(melody + bass)), tracks=(sm.Track("Flute", 73), sm.Track("Bass", 32)))
    onset, pitch, track = score.notes["onset"] / 480, score.notes["pitch"], score.notes["track"]
    given = track == 1
    later = onset - 2.0 * given  # two beats stand for the five seconds of the paper
    region = (onset >= 4) & ~given
    orders = {
        "left to right: the bass is not known ahead": np.lexsort((pitch, onset)),
        "anticipation: the bass comes ahead of its time": np.lexsort((pitch, later)),
        "everything given first, then the region": np.lexsort((pitch, onset, region)),
    }
    made, axes = figure(9, 5.4, nrows=3, sharex=True)
    for axis, (title, order) in zip(axes, orders.items(), strict=True):
        place = np.argsort(order)
        written = (
            region if title.startswith("every") else ~given if title.startswith("anti") else np.ones(len(onset), bool)
        )
        for i in range(len(onset)):
            colour = PALETTE[1] if written[i] else "#9bb7d4"
            axis.barh(pitch[i], score.notes["duration"][i] / 480, left=onset[i], height=2.6, color=colour)
            axis.text(onset[i] + 0.06, pitch[i], str(place[i] + 1), va="center", fontsize=8)
        axis.set(title=title, ylabel="MIDI pitch")
    axes[-1].set_xlabel(
        "quarter notes; orange notes are predicted, blue ones given; numbers are places in the sequence"
    )
    picture(made, "order")


def ddsp() -> None:
    """The harmonics of four voices at C4, and a note of the violin as levels of its partials."""
    from symbolic_music.synthesis.ddsp.partials import spectrum
    from symbolic_music.synthesis.ddsp.presets import PROGRAMS

    chosen = {"flute": 73, "clarinet": 71, "violin": 40, "trumpet": 56}
    made, axes = figure(9, 2.6, ncols=4, sharey=True)
    levels = {}
    for axis, (name, program) in zip(axes, chosen.items(), strict=True):
        hertz, amplitude = spectrum(PROGRAMS[program], torch.tensor([60.0]), torch.tensor([0.75]), 44100)
        decibel = 20 * torch.log10(amplitude[0, :16] / amplitude[0].max()).numpy()
        levels[name] = decibel.clip(-60).tolist()
        axis.stem(np.arange(1, 17), decibel.clip(-60), bottom=-60, markerfmt=".", basefmt=" ")
        axis.set(title=name, xlabel="harmonic", ylim=(-60, 3))
    axes[0].set_ylabel("dB")
    data({"fundamental": float(hertz[0, 0]), "voices": levels}, "harmonics")
    picture(made, "harmonics")


def quantisers() -> None:
    """Three seconds through the bundled codec with 1 to 8 codebooks: sound, codes, error."""
    from symbolic_music.codec import load_codec

    codec: Any = load_codec("codec", "cpu")
    rate = codec.format.sample_rate
    samples = sm.render(song().clip(0, 3), sample_rate=rate).samples.mean(axis=0, keepdims=True)[:, : 3 * rate]
    whole = torch.from_numpy(np.ascontiguousarray(samples))[None]
    codes = codec.encode(whole)
    vectors = codec.vectors(torch.nn.functional.pad(whole, (0, -whole.shape[-1] % codec.config.hop))).detach()
    errors: list[float] = []
    spectra_of: dict[int, np.ndarray[Any, Any]] = {}
    for count in range(1, codec.format.codebooks + 1):
        decoded = codec.decode(codes[:, :count])
        back = decoded[0, 0, : whole.shape[-1]].numpy()
        sound(back / max(1.0, np.abs(back).max()), rate, f"rvq-{count}")
        left = vectors - codec.quantiser.decode(codes[:, :count])
        errors.append(float(left.pow(2).sum() / vectors.pow(2).sum()))
        spectra_of[count] = back
    sound(whole[0, 0].numpy(), rate, "rvq-original")
    bits = np.log2(codec.format.size) * codec.format.frame_rate / 1000
    data({"size": codec.format.size, "kbps": bits, "errors": errors, "codes": codes[0, :, :120].tolist()}, "rvq")
    made, axes = figure(9, 4.6, nrows=2, ncols=2)
    axes[0, 0].plot(range(1, len(errors) + 1), errors, "o-", color=PALETTE[0])
    axes[0, 0].set(xlabel="codebooks", ylabel="energy left over", ylim=(0, None), title="what the quantiser leaves")
    shown = {"original": whole[0, 0].numpy(), "one codebook": spectra_of[1], "eight codebooks": spectra_of[8]}
    for axis, (title, one) in zip(np.ravel(axes)[1:], shown.items(), strict=True):
        axis.specgram(one, NFFT=1024, Fs=rate, noverlap=768, vmin=-120, vmax=-30, cmap="magma")
        axis.set(ylim=(0, 6000), title=title, xlabel="seconds", ylabel="Hz")
    picture(made, "rvq", 80)


def patterns() -> None:
    """Four patterns of six frames and four codebooks."""
    from symbolic_music.codec.language_models.patterns import get

    made, axes = figure(9, 3.6, nrows=2, ncols=2)
    for axis, name in zip(np.ravel(axes), ("parallel", "delay", "flatten", "coarse-first"), strict=True):
        pattern = get(name, 4, 6)
        for k in range(4):
            for t in range(6):
                axis.text(pattern.places[k, t] + 0.5, k + 0.5, str(t + 1), ha="center", va="center", fontsize=7)
                box = [pattern.places[k, t] + 0.05, k + 0.05]
                axis.add_patch(_square(box, PALETTE[k]))
        axis.set(xlim=(0, pattern.length), ylim=(4, 0), title=f"{name}: {pattern.length} positions", yticks=[])
        axis.set_ylabel("codebook")
    picture(made, "patterns")


def _square(corner: list[float], colour: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((corner[0], corner[1]), 0.9, 0.9, color=colour, alpha=0.35)


def flow_matching() -> None:
    """Samples of noise carried to a spiral along straight lines, by the exact velocity field of a small set."""
    draw = np.random.default_rng(3)
    angle = np.sqrt(draw.random(240)) * 9
    target = np.stack([angle * np.cos(angle), angle * np.sin(angle)], 1) / 5
    x, steps = draw.standard_normal((240, 2)), 60
    shown = {0: x.copy()}
    for step in range(steps):
        t = step / steps
        # E[target - noise | x_t]: weights of a Gaussian mixture, since x_t = t target + (1 - t) noise.
        far = ((x[:, None] - t * target[None]) ** 2).sum(-1) / (2 * (1 - t) ** 2)
        weight = np.exp(-(far - far.min(1, keepdims=True)))
        weight /= weight.sum(1, keepdims=True)
        x = x + (weight @ target - x) / (1 - t) / steps
        shown[step + 1] = x.copy()
    made, axes = figure(9, 2.6, ncols=4, sharex=True, sharey=True)
    for axis, step in zip(axes, (0, 40, 54, 60), strict=True):
        axis.scatter(*shown[step].T, s=5, color=PALETTE[0])
        axis.set(title=f"t = {step / steps:.2f}", aspect="equal")
    picture(made, "flow")


def flow_decoder() -> None:
    """Noise, and the mel spectrograms that the bundled decoder makes of it in 1, 2 and 6 steps, of the song's start."""
    import torch

    from symbolic_music.codec.flow import streaming
    from symbolic_music.codec.flow.score_rolls import score_rolls

    decoder, _ = sm.codec.load_flow("flow", "cpu")
    score, config = song().clip(0, 4), decoder.config
    count = int(4 * config.frame_rate)
    made, axes = figure(8, 5, nrows=2, ncols=2, sharex=True, sharey=True)
    with torch.inference_mode():
        tones = decoder.spectra(torch.from_numpy(streaming._tones(decoder, score, 0, count - 1))[None])
        rolls = torch.from_numpy(score_rolls(score, config.frame_rate, count))[None]
        condition = decoder.conditions(rolls, tones)
        noises = [torch.from_numpy(streaming.noise(0, k, 0, count * config.bands)).view(1, count, -1) for k in (0, 1)]
        shown = {
            "noise": noises[0],
            "1 step by the shortcut": decoder.by_shortcut(condition, noises[:1]),
            "2 steps by the shortcut": decoder.by_shortcut(condition, noises),
            "6 steps of the flow": decoder.by_flow(condition, noises[0], 6, 1.5),
        }
    for ax, (name, mel) in zip(axes.flat, shown.items(), strict=True):
        ax.imshow(mel[0].T, origin="lower", aspect="auto", extent=(0, 4, 0, config.bands), vmin=-1.2, vmax=2.5)
        ax.set_title(name, fontsize=9)
    for ax in axes[1]:
        ax.set_xlabel("seconds")
    for ax in axes[:, 0]:
        ax.set_ylabel("mel band")
    picture(made, "flow_decoder")


def evaluation() -> None:
    """Metrics of edits in context: a model, the original and three baselines."""
    rows = json.loads((RESULTS / "edits-in-context.json").read_text(encoding="utf-8"))["rows"]
    values = {row["metric"]: row for row in rows}
    made, axes = figure(9, 3, ncols=4)
    metrics = ("pitched in_key", "pitched in_chord", "pitched clashes", "pitched likeness_rhythm")
    systems = ("original", "song", "multitrack", "copy", "random")
    for axis, metric in zip(axes, metrics, strict=True):
        found = [values[f"{metric}: {system}"] for system in systems]
        heights = [row["ours"] for row in found]
        spread = [[max(0, r["ours"] - r["low"]) for r in found], [max(0, r["high"] - r["ours"]) for r in found]]
        colours = ["#777777", PALETTE[1], PALETTE[5], PALETTE[0], "#bbbbbb"]
        axis.bar(range(5), heights, yerr=spread, color=colours, error_kw={"lw": 0.8})
        axis.set_title(metric.removeprefix("pitched "), fontsize=9)
        axis.set_xticks(range(5), systems, rotation=60, fontsize=7)
    picture(made, "context")
    data(intervals(), "intervals")


def memorisation() -> None:
    """Longest passages shared with training pieces: people, and models."""
    rows = json.loads((RESULTS / "shipped_pieces.json").read_text(encoding="utf-8"))["rows"]
    values = {row["metric"]: row["ours"] for row in rows}
    made, axis = figure(8, 2.8)
    names = ("people, lakh", "song (lakh)", "multitrack (lakh)", "people, chorales", "chorales (chorales)")
    share = [100 * values[f"{name}: share in passages"] for name in names]
    axis.barh(names[::-1], share[::-1], color=[PALETTE[1], "#777777", PALETTE[1], PALETTE[1], "#777777"])
    axis.set_xlabel("notes in passages that a training piece has too, %")
    picture(made, "passages")
    data(melody(DOCS / "files" / "song.mid"), "passages")


MAKERS: dict[str, Callable[[], None]] = {
    one.__name__: one
    for one in (spectra, language_models, sampling, anticipation, ddsp, quantisers, patterns, flow_matching,
                flow_decoder, evaluation, memorisation)
}  # fmt: skip

if __name__ == "__main__":
    PICTURES.mkdir(parents=True, exist_ok=True)
    DATA.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for name in sys.argv[1:] or MAKERS:
        MAKERS[name]()
        print(name)
