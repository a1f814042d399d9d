from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from symbolic_music import plotting, tokenizers, transforms
from symbolic_music.errors import EmptyScoreError, FileError, OptionError, RegionError
from symbolic_music.score import BAR_NUMBER, CONTROL, TEMPO, Score, Track, note_table
from tests.corpus_paths import corpus_dir

PNG = b"\x89PNG\r\n\x1a\n"


def notes_of(figure):
    """The notes of each lane from top to bottom."""
    return [c for axes in figure.axes for c in axes.collections if isinstance(c, PolyCollection) and c.zorder == 3]


def texts(figure) -> set[str]:
    """What the legend says."""
    return {t.get_text() for legend in figure.legends for t in legend.get_texts()}


def test_each_note_is_drawn_where_it_sounds(quartet) -> None:
    pitched, drums = notes_of(plotting.piano_roll(quartet))[:2]
    assert len(pitched.get_paths()) == 32
    assert len(drums.get_paths()) == 8
    left, low, right, high = np.array([path.get_extents().extents for path in pitched.get_paths()]).T
    drawn = np.stack([left, right, (low + high) / 2], axis=1)
    own = quartet.notes["channel"] != 9
    expected = np.stack([quartet.onset_seconds, quartet.offset_seconds, quartet.notes["pitch"]], axis=1)[own]
    assert sorted(drawn.round(6).tolist()) == sorted(expected.round(6).tolist())


def test_tracks_have_colours_of_their_own_and_louder_is_stronger(quartet) -> None:
    notes = quartet.notes.copy()
    notes["velocity"][notes["track"] == 0] = np.linspace(10, 120, 8).astype(int)
    pitched = notes_of(plotting.piano_roll(quartet.replace(notes=notes)))[0]
    left, low = np.array([path.get_extents().extents for path in pitched.get_paths()]).T[:2]
    faces = pitched.get_facecolors()[np.argsort(left, kind="stable")]
    low = low[np.argsort(left, kind="stable")]
    soprano, bass = faces[low >= 71], faces[low < 52]
    assert len(soprano) == len(bass) == 8
    assert np.all(np.diff(soprano[:, :3].sum(axis=1)) < 0)
    assert not np.allclose(bass[0, :3], soprano[-1, :3], atol=0.1)


def test_generated_notes_stand_out_and_the_legend_says_so(quartet) -> None:
    mask = quartet.notes["onset"] >= 4 * 480
    figure = plotting.piano_roll(quartet, generated=mask, region=(2.0, 4.0), title="Half of it")
    pitched = notes_of(figure)[0]
    starts = np.array([p.get_extents().x0 for p in pitched.get_paths()])
    widths = np.array(pitched.get_linewidths())
    assert np.array_equal(widths > 0.5, starts >= 2.0)
    strength = 3 - pitched.get_facecolors()[:, :3].sum(axis=1)
    assert strength[starts >= 2.0].min() > strength[starts < 2.0].max()
    assert {"given", "generated", "region 2 to 4 s", "0  Flute", "4  Drums"} <= texts(figure)
    assert figure.texts[0].get_text() == "Half of it"


def test_without_a_mask_nothing_is_called_generated(quartet) -> None:
    assert "generated" not in texts(plotting.piano_roll(quartet))


def test_bars_and_seconds_are_marked(quartet) -> None:
    lower = plotting.piano_roll(quartet).axes[-1]
    assert [t.get_text() for t in lower.get_xticklabels()] == ["1", "2"]
    assert list(lower.get_xticks()) == [0.0, 2.0]
    slow = plotting.piano_roll(transforms.stretch(quartet, 3.0)).axes[-1]
    assert list(slow.get_xticks()) == [0.0, 6.0]


def test_bars_have_their_printed_numbers(quartet) -> None:
    upbeat = quartet.replace(bar_numbers=np.array([(0, 0)], BAR_NUMBER))
    assert [t.get_text() for t in plotting.piano_roll(upbeat).axes[-1].get_xticklabels()] == ["0", "1"]


def test_a_part_keeps_its_times_and_bars(quartet) -> None:
    low = quartet.notes.copy()
    low["pitch"][(low["onset"] < 4 * 480) & (low["channel"] != 9)] = 3
    figure = plotting.piano_roll(quartet.replace(notes=low), region=(2.5, 3.0), shown=(2.0, 9.0))
    pitched, lower = figure.axes[0], figure.axes[-1]
    assert (pitched.get_xlim(), [t.get_text() for t in lower.get_xticklabels()]) == ((2.0, 4.0), ["2"])
    assert sum(len(p.get_paths()) for p in notes_of(figure)) == 20
    assert pitched.get_ylim()[0] > 30  # the pitches that are seen
    assert "region 2.5 to 3 s" in texts(figure)


def test_a_long_part_is_broken_into_systems(quartet) -> None:
    held = Score(notes=note_table([(0, 480 * 512, 60)]))
    figure = plotting.piano_roll(held, shown=(20.0, 110.0))
    assert [axes.get_xlim() for axes in figure.axes] == [(20.0, 66.0), (66.0, 110.0)]
    assert [axes.get_xticklabels()[0].get_text() for axes in figure.axes] == ["11", "34"]


def test_drums_alone_and_pitches_alone_have_one_lane(quartet) -> None:
    assert len(plotting.piano_roll(transforms.select_tracks(quartet, [4])).axes) == 1
    assert len(plotting.piano_roll(transforms.select_tracks(quartet, [0])).axes) == 1
    kit = plotting.piano_roll(quartet).axes[1]
    assert [t.get_text() for t in kit.get_yticklabels()] == ["Bass Drum", "Snare"]


def test_the_pedal_is_drawn_where_it_is_down(quartet) -> None:
    controls = np.array([(0, 64, 127, 0), (960, 64, 0, 0), (1920, 64, 100, 0)], CONTROL)
    axes = plotting.piano_roll(quartet.replace(controls=controls)).axes[0]
    assert any(t.get_text() == "pedal" for t in axes.texts)
    assert all(t.get_text() != "pedal" for t in plotting.piano_roll(quartet).axes[0].texts)


def test_long_pieces_are_broken_into_systems_at_bars(quartet) -> None:
    ten = transforms.concatenate(quartet, quartet, 8 * 480)
    for _ in range(4):
        ten = transforms.concatenate(ten, ten, ten.bars()[-1] + 4 * 480)
    assert ten.duration == 128
    figure = plotting.piano_roll(ten)
    pitched = figure.axes[::2]
    limits = [axes.get_xlim() for axes in pitched]
    assert limits == [(0.0, 44.0), (44.0, 86.0), (86.0, 128.0)]
    assert [axes.get_xticklabels()[0].get_text() for axes in figure.axes[1::2]] == ["1", "23", "44"]
    # Each note begins in one system; one that sounds into the next is in both.
    assert sum(len(p.get_paths()) for p in notes_of(figure)) == len(ten)
    held = Score(notes=note_table([(0, 480 * 256, 60)]))
    assert sum(len(p.get_paths()) for p in notes_of(plotting.piano_roll(held))) == 3


def test_paper_has_an_end(quartet) -> None:
    hours = plotting.piano_roll(Score(notes=note_table([(0, 9, 60), (480 * 9000, 9, 60)])))
    assert hours.get_figwidth() < 20
    assert len(hours.axes) == 10


@pytest.mark.parametrize("name", ["$x_$ 100%", "日本語", "a" * 500, "\x1b[31m", "\udce9"])
def test_any_name_can_be_drawn(quartet, name) -> None:
    tracks = (Track(name, 1), *quartet.tracks[1:])
    data = plotting.figures.figure_bytes(plotting.piano_roll(quartet.replace(tracks=tracks), title=name))
    assert data.startswith(PNG)


@pytest.mark.parametrize(
    "notes",
    [
        [(0, 0, 60)],
        [(0, 1, 0), (5, 1, 127)],
        [(10**9, 5, 60)],
        [(0, 480, 60, 64, 0, 9, 0)],
        [(i, 1, 60 + i % 20, 1 + i % 127, 0, 0, i % 40) for i in range(400)],
    ],
    ids=["one without length", "extreme pitches", "weeks", "one drum", "forty tracks"],
)
def test_odd_scores_can_be_drawn(notes) -> None:
    assert plotting.piano_roll_png(Score(notes=note_table(notes))).startswith(PNG)


def test_extreme_tempos_can_be_drawn() -> None:
    for microseconds in (1, 16_777_215):
        score = Score(notes=note_table([(0, 100, 60)]), tempos=np.array([(0, microseconds)], TEMPO))
        assert plotting.piano_roll_png(score).startswith(PNG)


def test_mistakes_are_named(quartet, tmp_path) -> None:
    with pytest.raises(EmptyScoreError, match="no notes"):
        plotting.piano_roll(Score())
    with pytest.raises(OptionError, match="mask over 40 notes"):
        plotting.piano_roll(quartet, generated=[True])
    with pytest.raises(RegionError, match="0 <= start < end"):
        plotting.piano_roll(quartet, region=(2, 1))
    with pytest.raises(RegionError, match=r"ends at 4\.0 s"):
        plotting.piano_roll(quartet, region=(5, 6))
    with pytest.raises(RegionError, match=r"cannot show from 5 s: the score ends at 4\.0 s"):
        plotting.piano_roll(quartet, shown=(5, 6))
    with pytest.raises(EmptyScoreError, match="no notes from 1 s to 2 s"):
        plotting.piano_roll(Score(notes=note_table([(0, 480, 60), (480 * 8, 480, 60)])), shown=(1, 2))
    with pytest.raises(FileError, match=r"name it \.png"):
        plotting.save_piano_roll(quartet, tmp_path / "a.mid")
    with pytest.raises(FileError, match="no such folder"):
        plotting.save_piano_roll(quartet, tmp_path / "b" / "a.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("suffix", "magic"), [(".png", PNG), (".pdf", b"%PDF"), (".SVG", b"<?xml")])
def test_pictures_are_written_whole(quartet, tmp_path, suffix, magic) -> None:
    path = plotting.save_piano_roll(quartet, tmp_path / f"a{suffix}")
    assert path.read_bytes().startswith(magic)
    assert list(tmp_path.iterdir()) == [path]


def test_notes_absent_from_the_original_are_found(quartet) -> None:
    assert not plotting.absent_from(quartet, quartet).any()
    notes = quartet.notes.copy()
    notes["pitch"][3] += 1
    notes["onset"][7] += 200
    changed = quartet.replace(notes=notes)
    found = changed.notes[plotting.absent_from(changed, quartet)]
    assert sorted(found["pitch"].tolist()) == sorted([notes["pitch"][3], notes["pitch"][7]])
    # A note that is there once accounts for one, not for two.
    twice = quartet.replace(notes=np.concatenate([quartet.notes, quartet.notes[:1]]))
    assert plotting.absent_from(twice, quartet).sum() == 1
    # Another resolution rounds times, and changes nothing.
    assert not plotting.absent_from(transforms.resample(quartet, 97), quartet).any()


def test_a_score_shows_itself_in_a_notebook(quartet) -> None:
    assert quartet._repr_png_().startswith(PNG)
    assert Score()._repr_png_() is None


ROWS = [
    {"step": "1", "split": "train", "loss": "3.5"},
    {"step": "2", "split": "train", "loss": "2.5"},
    {"step": "2", "split": "valid", "loss": "2.75"},
    {"step": "3", "split": "valid", "loss": ""},
]


def test_a_loss_curve_is_drawn_from_a_log(tmp_path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("step,split,loss\n" + "".join(",".join(r.values()) + "\n" for r in ROWS))
    assert plotting.read_log(log) == ROWS
    path = plotting.loss_curve(plotting.read_log(log), tmp_path / "a.svg", title="A run")
    assert "valid, best 2.750 at step 2" in path.read_text()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no rows"),
        ([{"step": 1}], "needs the columns"),
        ([{"step": "x", "split": "train", "loss": 1}], "must be numbers"),
    ],
)
def test_a_log_that_cannot_be_drawn_is_named(tmp_path, rows, message) -> None:
    with pytest.raises(FileError, match=message):
        plotting.loss_curve(rows, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.corpora
def test_real_files_can_be_drawn() -> None:
    from symbolic_music import read

    for path in sorted((corpus_dir("freedoom-midi")).glob("*.mid"))[::40]:
        score = read(path)
        lanes = notes_of(plotting.piano_roll(score))
        assert sum(len(c.get_paths()) for c in lanes) >= len(score)


def test_encodings_draw_a_box_an_id() -> None:
    score = Score(notes=note_table([(0, 480, 60, 80), (480, 480, 64, 80)]))
    chosen = [tokenizers.get("performance"), tokenizers.get("compound"), tokenizers.get("remi", preset="miditok")]
    figure = plotting.encodings(score, chosen, ["events"])
    (axes, *_) = figure.axes
    said = [t.get_text() for t in axes.texts]
    ids, words, sequences = (tokenizer.encode(score) for tokenizer in chosen)
    assert f"events: {len(ids)} ids, vocabulary 388" in said
    assert f"compound, default: {len(words)} words of 9 fields, vocabulary {len(chosen[1].vocabulary)}" in said
    assert f"remi, miditok: {len(sequences[0])} ids, vocabulary {len(chosen[2].vocabulary)}" in said
    assert said.count("On 60") == 1
    assert said.count("Shift 50") == 2


def test_encodings_refuse_what_cannot_be_shown() -> None:
    with pytest.raises(EmptyScoreError):
        plotting.encodings(Score(), [tokenizers.get("performance")])
    many = Score(notes=note_table([(i, 1, 60) for i in range(400)]))
    with pytest.raises(OptionError, match="clip the score"):
        plotting.encodings(many, [tokenizers.get("performance")])


def test_codes_stand_below_the_roll_in_its_time(quartet) -> None:
    codes = np.arange(3 * 150).reshape(3, 150) % 7
    figure = plotting.codes_beside_roll(quartet, codes, 75.0, np.zeros(48_000, np.float32), 24_000, "codes")
    roll, spectrum, lowest = figure.axes
    assert roll.get_xlim() == lowest.get_xlim() == (0, 2)
    (image,) = lowest.images
    colours = np.asarray(image.get_array())
    assert colours.shape == (3, 150, 3)
    assert len(np.unique(colours.reshape(-1, 3), axis=0)) == 7
    assert (colours[0, 0] == colours[0, 7]).all()
    assert spectrum.get_ylim() == (0, 8)
    with pytest.raises(EmptyScoreError):
        plotting.codes_beside_roll(Score(), codes, 75.0)
    for wrong in (codes[0], np.zeros((2, 6000), np.int64)):
        with pytest.raises(OptionError):
            plotting.codes_beside_roll(quartet, wrong, 75.0)
