from __future__ import annotations

import contextlib
import json
import pickle
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic_music import read, tokenizers
from symbolic_music.errors import (
    EmptyScoreError,
    FileError,
    MissingExtraError,
    OptionError,
    RegionError,
    SymbolicMusicError,
    TokenError,
    UnknownNameError,
)
from symbolic_music.io.midi.symusic_bridge import to_symusic
from symbolic_music.score import CONTROL, METER, Score, Track, note_table
from symbolic_music.tokenizers.miditok.options import KINDS
from symbolic_music.tokenizers.miditok.tokenizer import pedals
from symbolic_music.tokenizers.saving import configuration_fingerprint
from tests.tokenizers.example_music import PIECES, note_rows, piece, scores, walk
from tests.tokenizers.test_saving import digest, example, resealed

miditok = pytest.importorskip("miditok")
symusic = pytest.importorskip("symusic")

NEEDED = {
    "MMM": {"base_tokenizer": "TSD"},
    "PerTok": {
        "ticks_per_quarter": 320,
        "use_microtiming": True,
        "max_microtiming_shift": 0.125,
        "num_microtiming_bins": 30,
    },
}
MANY = {"use_programs": True, "use_tempos": True, "use_rests": True, "use_chords": True}
# As in test_saving: the first 16 digits of the fingerprint, and of the SHA-256 of the ids of `example`.
KNOWN: dict[str, tuple[str, str]] = {
    "REMI": ("09bf612b54368d6e", "551d4d165b20f1cc"),
    "TSD": ("4d1c5b6cbfcceff7", "2d74ce0996fbe53e"),
    "MIDILike": ("bd1469e48a955f0d", "353b406806b36e63"),
    "Structured": ("f3c25fec950fceb5", "96dba4af9a2bd780"),
    "CPWord": ("f5cd59430bc1bb65", "b0f64e40de59c880"),
    "Octuple": ("ce817ee12d99aeb7", "054b01d0fa478797"),
    "MuMIDI": ("eaee6ad2b46483bc", "d5075ac3c90c5b77"),
    "MMM": ("8b6bbd6decc6d80f", "9454e306ea539afd"),
    "PerTok": ("74a92c5c34e4b915", "8eed7164acf64b9a"),
    "BEAT": ("9abccc26e4f4834d", "343acefc14db32fb"),
}


def build(kind, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # CPWord warns of rests with meters
        return tokenizers.get(f"miditok:{kind}", **options)


def listed(ids):
    return ids if isinstance(ids, list) else [ids]


def names(tokenizer, ids):
    return [tokenizer.vocabulary.name(int(token)) for token in ids]


def tune(*rows):
    return Score(notes=note_table(rows), meters=np.array([(0, 4, 4)], METER))


def test_the_registry_knows_them() -> None:
    assert [f"miditok:{kind}" for kind in KINDS] == [name for name in tokenizers.names() if name.startswith("miditok:")]
    assert tokenizers.presets("miditok:TSD") == ("default",)
    with pytest.raises(UnknownNameError, match="miditok:NAME with NAME one of REMI, TSD"):
        tokenizers.get("miditok:Morse")
    with pytest.raises(UnknownNameError, match="miditok:TSD has no preset 'original'"):
        tokenizers.get("miditok:TSD", preset="original")


def test_a_missing_package_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "miditok", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'symbolic-music-torch\[miditok\]'"):
        tokenizers.get("miditok:TSD")


def test_one_note() -> None:
    tsd = build("TSD")
    (ids,) = tsd.encode(tune((480, 480, 60, 64)))
    assert ids.dtype == np.int32
    assert names(tsd, ids) == ["TimeSig_4/4", "TimeShift_1.0.8", "Pitch_60", "Velocity_63", "Duration_1.0.8"]
    assert note_rows(tsd.decode([ids])) == note_rows(tsd.decode(ids)) == [(16, 16, 60, 63, 0)]


def test_words_are_filled_up() -> None:
    mumidi = build("MuMIDI")
    words = mumidi.encode(tune((0, 480, 60, 64)))
    assert [[mumidi.vocabulary.name(int(t), f) for f, t in enumerate(word)] for word in words] == [
        ["Bar_None", "BarPosEnc_0", "PositionPosEnc_None", "PAD_None", "PAD_None"],
        ["Position_0", "BarPosEnc_0", "PositionPosEnc_0", "PAD_None", "PAD_None"],
        ["Program_0", "BarPosEnc_0", "PositionPosEnc_0", "PAD_None", "PAD_None"],
        ["Pitch_60", "BarPosEnc_0", "PositionPosEnc_0", "Velocity_63", "Duration_1.0.8"],
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"use_programs": True, "use_tempos": True}], ids=["default", "more"])
def test_ids_are_those_of_miditok(kind, options) -> None:
    theirs = getattr(miditok, kind)(miditok.TokenizerConfig(**options, **NEEDED.get(kind, {})))
    ours = build(kind, **options)
    for title in PIECES:
        score = piece(title)
        expected = theirs.encode(to_symusic(score))
        expected = [one.ids for one in expected] if isinstance(expected, list) else [expected.ids]
        found = ours.encode(score)
        assert isinstance(found, list) == ("I" in theirs.io_format)
        if kind == "MuMIDI":
            found = [[word[: len(long)] for word, long in zip(found.tolist(), expected[0], strict=True)]]
            assert found == expected
        else:
            assert [one.tolist() for one in listed(found)] == expected


@pytest.mark.parametrize(("kind", "name"), [("REMI", "remi"), ("CPWord", "compound")])
def test_the_presets_of_this_library_are_the_same(kind, name) -> None:
    options = {"use_programs": True, "use_tempos": True}
    adapter, ours = build(kind, **options), tokenizers.get(name, preset="miditok", **options)
    assert adapter.vocabulary == ours.vocabulary
    ids = ours.encode(example())
    assert np.array_equal(adapter.encode(example()), ids)
    assert note_rows(adapter.decode(ids)) == note_rows(ours.decode(ids))


@pytest.mark.parametrize("options", [{}, MANY], ids=["default", "many"])
@pytest.mark.parametrize("kind", KINDS)
@given(score=scores(most_notes=12))
@settings(max_examples=8)
def test_what_is_encoded_obeys_and_stays_after_the_second_time(kind, options, score) -> None:
    """MidiTok's decoders move notes, order and tempos once (tracks by program, Octuple's meters, PerTok's grid)."""
    tokenizer = _cached(kind, **options)
    ids = tokenizer.encode(score)
    for one in listed(ids):
        assert one.dtype == np.int32
        assert np.array_equal(tokenizer.check(one), one)
        assert tokenizer.grammar.violation(one) is None
    if kind == "PerTok" and options:
        return  # MidiTok's decoder fails on tempos at fractions of ticks
    if kind == "Octuple":
        # With meters its words cannot say where bars without notes end, as MidiTok's documentation says.
        tokenizer = _cached(kind, use_time_signatures=False, **options)
        ids = tokenizer.encode(score)
    second = tokenizer.encode(tokenizer.decode(ids))
    third = tokenizer.encode(tokenizer.decode(second))
    assert [one.tolist() for one in listed(third)] == [one.tolist() for one in listed(second)]


_BUILT = {}


def _cached(kind, **options):
    key = (kind, *options.items())
    if key not in _BUILT:
        _BUILT[key] = build(kind, **options)
    return _BUILT[key]


@pytest.mark.parametrize("options", [{}, MANY], ids=["default", "many"])
@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15)
def test_walks_through_the_grammar_decode(kind, options, seed) -> None:
    tokenizer = _cached(kind, **options)
    ids = np.array(walk(tokenizer.grammar, np.random.default_rng(seed), 50), np.int32)
    assert tokenizer.grammar.violation(ids) is None
    if kind == "PerTok" and options:
        return
    score = tokenizer.decode(ids)
    # A note is written to its end, so none is lost but an unfinished one at the end.
    pitches = [name for word in _named(tokenizer, ids) for name in word if name.startswith(("Pitch_", "PitchDrum_"))]
    if kind in ("TSD", "Structured", "CPWord", "MuMIDI", "REMI", "Octuple"):
        assert len(pitches) - 1 <= len(score) <= len(pitches)


def _named(tokenizer, ids):
    return [[tokenizer.vocabulary.name(int(t), f) for f, t in enumerate(np.atleast_1d(word))] for word in ids]


def test_grammar_of_one_after_another() -> None:
    tsd = build("TSD")
    grammar, vocabulary = tsd.grammar, tsd.vocabulary

    def follow(*tokens):
        state = grammar.start()
        for token in tokens:
            state = grammar.advance(state, vocabulary.id(token))
        return {
            name.partition("_")[0]
            for name, may in zip(vocabulary.fields[0], grammar.allowed(state), strict=True)
            if may
        }

    assert follow() == {"BOS", "EOS", "Pitch", "PitchDrum", "TimeShift", "TimeSig"}
    assert follow("Pitch_60") == {"Velocity"}
    assert follow("Pitch_60", "Velocity_63") == {"Duration"}
    assert follow("EOS_None") == follow("EOS_None", "PAD_None") == {"PAD"}
    with pytest.raises(TokenError, match="may not follow here"):
        grammar.advance(grammar.start(), vocabulary.id("Velocity_63"))
    assert not grammar.allowed(grammar.start()).flags.writeable
    assert grammar.violation([vocabulary.id("Pitch_60"), 100_000]) == 1
    assert hash(grammar.start()) == hash(grammar.start())


def test_tokens_of_the_user_come_first() -> None:
    tsd = build("TSD", special_tokens=["PAD", "BOS", "EOS", "MASK", "Genre_rock"])
    rock, pitch, mask = (tsd.vocabulary.id(name) for name in ("Genre_rock", "Pitch_60", "MASK_None"))
    state = tsd.grammar.advance(tsd.grammar.start(), rock)
    assert tsd.grammar.allowed(state)[pitch]
    assert not tsd.grammar.allowed(tsd.grammar.advance(state, pitch))[rock]
    assert not tsd.grammar.allowed(state)[mask]


def test_tracks_of_mmm_begin_and_end() -> None:
    mmm = build("MMM")
    ids = mmm.encode(example())
    found = names(mmm, ids)
    assert found.count("Track_Start") == found.count("Track_End") == 4
    allowed = mmm.grammar.allowed(mmm.grammar.start())
    assert allowed[mmm.vocabulary.id("Track_Start")]
    assert not allowed[mmm.vocabulary.id("Pitch_60")]
    assert len(build("MMM", base_tokenizer="REMI").decode(build("MMM", base_tokenizer="REMI").encode(example()))) == 22


def test_special_tokens_are_skipped_and_eos_ends() -> None:
    for kind in ("TSD", "CPWord"):
        tokenizer = build(kind, use_programs=True)
        ids = tokenizer.encode(example())
        special = [tokenizer.vocabulary.id(f"{name}_None") for name in ("BOS", "EOS", "PAD")]
        bos, eos, pad = (np.full_like(ids[:1], token) for token in special)
        whole = np.concatenate([bos, ids, eos, pad, ids])
        assert tokenizer.decode(whole) == tokenizer.decode(ids)
        assert len(tokenizer.decode(bos)) == 0


def test_drums_come_back_without_programs() -> None:
    for kind in ("TSD", "MIDILike", "CPWord", "Octuple"):
        tokenizer = build(kind)
        score = Score(
            notes=note_table([(0, 480, 60, 64), (0, 480, 36, 64, 0, 9, 1)]), tracks=(Track("", 40), Track("", 0, True))
        )
        assert [track.is_drum for track in tokenizer.decode(tokenizer.encode(score)).tracks] == [False, True]


@pytest.mark.parametrize("kind", KINDS)
def test_empty_scores(kind) -> None:
    tokenizer = build(kind)
    assert len(tokenizer.decode(tokenizer.encode(Score()))) == 0
    assert len(tokenizer.decode(np.zeros(0, np.int32))) == 0
    meterless = build(kind, use_time_signatures=False)
    assert len(meterless.decode(meterless.encode(Score()))) == 0


def test_bad_ids_are_named() -> None:
    tsd, octuple = build("TSD"), build("Octuple")
    with pytest.raises(TokenError, match="outside the vocabulary of miditok:TSD"):
        tsd.decode([len(tsd.vocabulary)])
    with pytest.raises(TokenError, match=r"shape \(n, 6\)"):
        octuple.decode([1, 2, 3])
    broken = octuple.encode(example())[0]
    broken[0, 5] = octuple.vocabulary.id("MASK_None", 5)
    with pytest.raises(TokenError, match="miditok:Octuple cannot decode these ids"):
        octuple.decode(broken)


def test_what_miditok_cuts_off_is_warned_of() -> None:
    long = tune((0, 480, 60, 64), (1920 * 70, 480, 60, 64))
    with pytest.warns(UserWarning, match="clipped to 60 bars"):
        assert len(build("Octuple", use_programs=True).encode(long)) == 1
    assert len(build("Octuple", use_programs=True, max_bar_embedding=80).encode(long)) == 2
    with pytest.raises(RegionError, match="clip it first"):
        build("TSD").encode(tune((0, 480, 60, 64), (480 * 100_001, 480, 60, 64)))


def test_scores_that_miditok_fails_on_are_named() -> None:
    # It has but one Pedal token without programs, and looks for that of the track's program.
    score = Score(
        notes=note_table([(0, 480, 60, 64, 33)]),
        controls=np.array([(0, 64, 127, 0), (400, 64, 0, 0)], CONTROL),
        tracks=(Track("", 33),),
    )
    with pytest.raises(TokenError, match=r"miditok:TSD cannot encode this score \(KeyError: 'Pedal_33'\)"):
        build("TSD", use_sustain_pedals=True).encode(score)
    # PerTok fails on meters outside its vocabulary; here they are left out.
    assert build("PerTok").encode(score.replace(meters=np.array([(0, 7, 8)], METER)))


@given(
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from([0, 20, 63, 64, 127])), max_size=8).map(
        lambda rows: sorted(rows, key=lambda row: row[0])
    )
)
def test_pedals_are_those_that_symusic_finds(rows) -> None:
    controls = np.array([(time, 64, value, 0) for time, value in rows], CONTROL)
    score = Score(notes=note_table([(0, 100, 60, 64)]), controls=controls)
    (track,) = symusic.Score.from_midi(to_symusic(score).dumps_midi()).tracks
    found = pedals(controls["time"].tolist(), controls["value"].tolist())
    assert [(pedal.time, pedal.duration) for pedal in track.pedals] == list(zip(*found, strict=True))


def test_pedals_come_back_as_controllers() -> None:
    tokenizer = build("TSD", use_sustain_pedals=True, use_programs=True)
    once = tokenizer.decode(tokenizer.encode(example()))
    assert [(row["number"], row["value"]) for row in once.controls] == [(64, 127), (64, 0)]


# -- options ----------------------------------------------------------------------------------------------------


def test_options_of_python_and_of_json_are_the_same() -> None:
    python = build(
        "REMI",
        beat_res={(0, 2): 4, (2, 4): 2},
        time_signature_range={4: (3, 5), 8: [6]},
        use_time_signatures=True,
        pitch_range=(40, 80),
        programs={0, 3, -1},
        use_programs=True,
        max_bar_embedding=None,
        chord_maps={"maj": (0, 4, 7)},
        use_chords=True,
    )
    config = json.loads(json.dumps(python.to_config()))
    assert config == python.to_config()
    assert config["beat_res"] == {"0_2": 4, "2_4": 2}
    assert config["time_signature_range"] == {"4": [3, 4, 5], "8": [6]}
    assert config["programs"] == [-1, 0, 3]
    again = tokenizers.get(**config)
    assert again.to_config() == config
    assert again.vocabulary == python.vocabulary
    assert {"TimeSig_5/4", "TimeSig_6/8", "Chord_maj"} <= set(again.vocabulary.fields[0])


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("TSD", {"use_morse": True}, "has no option 'use_morse'"),
        ("TSD", {"max_bar_embedding": 3}, "has no option 'max_bar_embedding'"),
        ("TSD", {"kwargs": 3}, "has no option 'kwargs'"),
        ("REMI", {"max_duration": [1, 0, 1]}, "and max_bar_embedding, use_bar_end_tokens"),
        ("TSD", {"pitch_range": [90, 20]}, "pitch_range"),
        ("TSD", {"pitch_range": "x"}, "miditok:TSD"),
        ("TSD", {"beat_res": {"0_4_8": 8}}, "beat_res has no such form"),
        ("TSD", {"beat_res": {"0_9999": 100}}, "beat_res has no such form"),
        ("TSD", {"beat_res": [1]}, "miditok:TSD"),
        ("TSD", {"num_tempos": 10**9}, "beyond 100,000"),
        ("TSD", {"num_tempos": float("nan")}, "beyond 100,000"),
        ("TSD", {"num_tempos": print}, "cannot be saved"),
        ("TSD", {"num_velocities": 0}, "num_velocities"),
        ("MMM", {"base_tokenizer": "Octuple"}, "base_tokenizer"),
        ("TSD", {"miditok_version": "2.0"}, r"is of MidiTok 2\.0, and 3.* run: pip install miditok==2\.0"),
        ("TSD", {"trained": {}}, "damaged"),
        ("TSD", {"trained": 3}, "trained state is damaged"),
        ("TSD", {"trained": "zz"}, "trained state is damaged"),
        ("TSD", {"trained": [["a"]]}, "trained state is damaged"),
        ("TSD", {"kind": "REMI"}, "has no option 'kind'"),
    ],
)
def test_impossible_options_are_named(kind, options, message) -> None:
    with pytest.raises(OptionError, match=message):
        tokenizers.get(f"miditok:{kind}", **options)


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded(tmp_path, kind) -> None:
    tokenizer = build(kind, use_tempos=True)
    again = tokenizers.load(tokenizer.save(tmp_path / "tokenizer.json"))
    assert again.to_config() == tokenizer.to_config()
    assert again.name == f"miditok:{kind}"
    assert digest(again.encode(example())) == digest(tokenizer.encode(example()))
    copy = pickle.loads(pickle.dumps(tokenizer))
    assert digest(copy.encode(example())) == digest(tokenizer.encode(example()))
    assert copy.grammar.violation(listed(copy.encode(example()))[0]) is None


@pytest.mark.parametrize("kind", KINDS)
def test_ids_have_not_changed(kind) -> None:
    tokenizer = build(kind, use_programs=True)
    found = (tokenizers.fingerprint(tokenizer)[:16], digest(tokenizer.encode(example())))
    assert found == KNOWN.get(kind), f'now "{kind}": {found},'


# -- training ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def music():
    return [piece(title) for title in PIECES]


@pytest.mark.parametrize("model", ["BPE", "Unigram", "WordPiece"])
@pytest.mark.parametrize("kind", ["REMI", "TSD", "MIDILike", "MMM"])
def test_trained_ids_are_fewer_and_stand_for_the_same(tmp_path, music, kind, model) -> None:
    base = build(kind)
    size = len(base.vocabulary) + 200
    trained = base.train(music, size, model)
    assert len(trained.vocabulary) <= size
    assert base.trained is None
    again = tokenizers.load(trained.save(tmp_path / "tokenizer.json"))
    assert again.to_config() == trained.to_config()
    assert tokenizers.fingerprint(again) == tokenizers.fingerprint(trained)
    for score in music:
        ids, plain = trained.encode(score), base.encode(score)
        assert sum(map(len, listed(ids))) < sum(map(len, listed(plain)))
        assert digest(again.encode(score)) == digest(ids)
        assert trained.decode(ids) == base.decode(plain)
        for one in listed(ids):
            assert trained.grammar.violation(one) is None


@pytest.mark.parametrize("model", ["BPE", "Unigram"])
def test_walks_through_trained_grammars_decode(music, model) -> None:
    trained = build("TSD").train(music, 600, model)
    for seed in range(30):
        ids = walk(trained.grammar, np.random.default_rng(seed), 40)
        assert trained.grammar.violation(ids) is None
        pitches = sum(name.count("Pitch_") + name.count("PitchDrum_") for name in names(trained, ids))
        assert pitches - 1 <= len(trained.decode(ids)) <= pitches


def test_names_of_trained_ids_are_those_they_stand_for(music) -> None:
    trained = build("TSD", encode_ids_split="no").train(music, 400)
    longest = max(trained.vocabulary.fields[0], key=lambda name: name.count("+"))
    assert "+" in longest
    assert set(longest.split("+")) <= set(build("TSD").vocabulary.fields[0])
    (ids, *_) = trained.encode(music[0])
    (plain, *_) = build("TSD").encode(music[0])
    assert "+".join(names(trained, ids)).split("+") == names(build("TSD"), plain)


def test_training_takes_files(tmp_path, music) -> None:
    path = music[0].write(tmp_path / "piece.mid")
    by_file, by_score = (build("TSD").train([one], 360).to_config()["trained"] for one in (path, music[0]))
    assert by_file == by_score


def test_impossible_training_is_named(music) -> None:
    tsd = build("TSD")
    with pytest.raises(OptionError, match="choose from BPE, Unigram, WordPiece"):
        tsd.train(music, 500, "Morse")
    with pytest.raises(OptionError, match="above the 324 ids"):
        tsd.train(music, 324)
    with pytest.raises(OptionError, match="at least one score"):
        tsd.train([], 500)
    with pytest.raises(OptionError, match="set encode_ids_split"):
        build("TSD", encode_ids_split="no").train(music, 500, "WordPiece")
    for kind in ("CPWord", "Octuple", "MuMIDI"):
        with pytest.raises(OptionError, match="several vocabularies"):
            build(kind).train(music, 5000)


@pytest.mark.parametrize("several", [list, tuple, iter])
def test_one_piece_or_several_of_any_kind_of_file(tmp_path, music, several) -> None:
    """What `read` reads trains a vocabulary: notation, and MIDI that MidiTok itself cannot open."""
    score = music[0]
    tsd, learnt = build("TSD"), build("TSD").train(score, 360).trained
    midi, notation = score.write(tmp_path / "piece.mid"), score.write(tmp_path / "piece.musicxml")
    assert tsd.train(midi, 360).trained == tsd.train(str(midi), 360).trained == learnt
    assert tsd.train(several([midi, Score()]), 360).trained == learnt
    assert tsd.train(several([notation]), 360).trained == tsd.train(read(notation), 360).trained
    # A RIFF wrapper, and no end of the track.
    cut = midi.read_bytes()[:-4]
    broken = tmp_path / "broken.mid"
    broken.write_bytes(
        b"RIFF" + (len(cut) + 12).to_bytes(4, "little") + b"RMIDdata" + len(cut).to_bytes(4, "little") + cut
    )
    with pytest.raises(RuntimeError):
        symusic.Score(broken)
    assert tsd.train(broken, 360).trained == tsd.train(read(broken), 360).trained


def test_what_cannot_be_read_or_learnt_from_is_named(tmp_path, music) -> None:
    tsd = build("TSD")
    (tmp_path / "junk.mid").write_bytes(b"junk" * 100)
    (tmp_path / "junk.musicxml").write_text("<score-partwise/")
    for none in ("nope.mid", ["nope.mid"], [music[0], tmp_path / "nope.mid"], [tmp_path], ["n", "o"]):
        with pytest.raises(FileError):
            tsd.train(none, 360)
    for junk in ("junk.mid", "junk.musicxml"):
        with pytest.raises(FileError, match=junk):
            tsd.train([music[0], tmp_path / junk], 360)
    for kind in ("REMI", "TSD", "MMM"):
        for empty in (Score(), [Score(), Score()], tune((0, 480, 3, 64))):
            with pytest.raises(EmptyScoreError, match="nothing to train on"):
                build(kind, use_time_signatures=False).train(empty, 1000)
    for other in (3, None, b"nope.mid", [3], [None], [[music[0]]], [b"nope.mid"]):
        with pytest.raises(OptionError, match="train takes scores or paths"):
            tsd.train(other, 360)
    with pytest.raises(RegionError, match="clip it first"):
        tsd.train([music[0], tune((480 * 100_001, 480, 60, 64))], 360)
    pedal = Score(
        notes=note_table([(0, 480, 60, 64, 33)]),
        controls=np.array([(0, 64, 127, 0), (400, 64, 0, 0)], CONTROL),
        tracks=(Track("", 33),),
    )
    with pytest.raises(TokenError, match=r"score 1: miditok:TSD cannot encode it \(KeyError: 'Pedal_33'\)"):
        build("TSD", use_sustain_pedals=True).train([music[0], pedal], 600)


@pytest.mark.parametrize("size", [10**12, 100_001, -5, 0, 324, 600.5, 600.0, "600", True, None, [600], np.inf])
def test_impossible_sizes_are_named(music, size) -> None:
    with pytest.raises(OptionError, match="vocab_size"):
        build("TSD").train(music[:1], size)


def test_the_largest_vocabulary_can_be_asked_for(music) -> None:
    for model in ("BPE", "Unigram", "WordPiece"):
        assert len(build("TSD").train(music[0], np.int64(100_000), model).vocabulary) > 324


def test_damaged_states_are_refused(tmp_path, music) -> None:
    trained = build("TSD").train(music[:1], 340)
    path = trained.save(tmp_path / "tokenizer.json")
    whole = json.loads(path.read_text())
    state = whole["options"]["trained"]
    for damage in (
        {"model": "{}"},
        {"model": 3},
        {"base": []},
        {"base": {**state["base"], "Pitch_60": 10**6}},
        {"bytes": {}},
        {"special_tokens": ["Morse"]},
        {"_model": "x"},
        {"bytes": dict(zip(state["bytes"], reversed(state["bytes"].values()), strict=True))},
    ):
        changed = {**whole, "options": {**whole["options"], "trained": {**state, **damage}}}
        for kept in (changed, resealed(changed)):
            path.write_text(json.dumps(kept))
            with pytest.raises((TokenError, FileError)):
                tokenizers.load(path)


@pytest.mark.parametrize("trained", ["zz", [["a"]], [], 3, {}, True], ids=str)
def test_what_is_no_state_is_refused(tmp_path, trained) -> None:
    path = build("TSD").save(tmp_path / "tokenizer.json")
    whole = json.loads(path.read_text())
    changed = {**whole, "options": {**whole["options"], "trained": trained}}
    path.write_text(json.dumps(changed))
    with pytest.raises(TokenError, match="not those that were saved"):
        tokenizers.load(path)
    path.write_text(json.dumps(resealed(changed)))
    with pytest.raises(TokenError, match=r"does not fit this version: .* trained state is damaged"):
        tokenizers.load(path)


def test_merges_in_another_order_are_refused(tmp_path, music) -> None:
    """The names of the ids stay, and the ids of a score would change."""
    trained = build("TSD").train(music, 600)
    path = trained.save(tmp_path / "tokenizer.json")
    whole = json.loads(path.read_text())
    model = json.loads(whole["options"]["trained"]["model"])
    model["model"]["merges"].reverse()
    whole["options"]["trained"]["model"] = json.dumps(model)
    turned = tokenizers.get("miditok:TSD", trained=whole["options"]["trained"])
    assert tokenizers.fingerprint(turned) == tokenizers.fingerprint(trained)
    assert digest(turned.encode(music[0])) != digest(trained.encode(music[0]))
    assert configuration_fingerprint(turned) != configuration_fingerprint(trained)
    path.write_text(json.dumps(whole))
    with pytest.raises(TokenError, match=r"trained state .* not those that were saved"):
        tokenizers.load(path)


def test_random_damage_of_a_state_is_a_named_error(tmp_path, music) -> None:
    path = build("TSD").train(music[:1], 340).save(tmp_path / "tokenizer.json")
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(whole), 60):
        broken = bytearray(whole)
        broken[at] = rng.integers(32, 127)
        path.write_bytes(bytes(broken))
        # As it comes from elsewhere, and sealed, so that the state itself is looked at.
        with contextlib.suppress(ValueError):
            path.write_text(json.dumps(resealed(json.loads(bytes(broken)))))
        try:
            tokenizer = tokenizers.load(path)
            tokenizer.decode(tokenizer.encode(music[0]))
        except SymbolicMusicError:
            continue
