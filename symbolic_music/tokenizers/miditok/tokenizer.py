"""MidiTok's own tokenizers with our interface (Fradet et al. 2021; github.com/Natooz/MidiTok).

Nothing is rewritten here: ids are what the installed MidiTok gives. Where `remi` and `compound` have the encoding that
is wanted, their preset `miditok` gives the same ids many times faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from symbolic_music.errors import OptionError, RegionError, TokenError, UnknownNameError
from symbolic_music.io.midi.published_readers import as_symusic_reads
from symbolic_music.io.midi.symusic_bridge import from_symusic, to_symusic
from symbolic_music.score import TEMPO, Score
from symbolic_music.tokenizers.base import Ids, Tokenizer, Vocabulary
from symbolic_music.tokenizers.miditok import options as adapter_options
from symbolic_music.tokenizers.miditok import training
from symbolic_music.tokenizers.miditok.compound_grammar import word_grammar
from symbolic_music.tokenizers.miditok.flat_grammar import TypeGrammar

MAX_QUARTERS = 100_000
_SUSTAIN = 64


class MidiTokTokenizer(Tokenizer):
    """One of MidiTok's tokenizers, as `tokenizers.get("miditok:TSD", **options)`.

    The kinds: REMI, TSD, MIDILike, Structured, CPWord, Octuple, MuMIDI, MMM, PerTok and BEAT. All but CPWord, Octuple
    and MuMIDI can be trained.

    Options are the keyword arguments of MidiTok's TokenizerConfig, and those that a kind has besides (MIDILike's
    `max_duration`, Octuple's and MuMIDI's `max_bar_embedding`, ...); see `miditok.options`. MMM works on TSD
    unless `base_tokenizer` says otherwise, PerTok with the values of its documentation. `trained` is the state of a
    trained vocabulary, which `train` makes; `miditok_version` refuses another version than that installed, so that
    a saved tokenizer cannot change its ids with the package.

    Ids are int32 of shape (n,), of CPWord, Octuple and MuMIDI (n, fields); a list with one array a track where
    MidiTok gives one (without `use_programs`, mostly). MuMIDI's short words are filled up with PAD. What MidiTok
    warns of, such as bars beyond `max_bar_embedding` that Octuple drops, is warned of.

    `decode` takes all ids of the vocabulary, whether they obey the grammar or not, as MidiTok does: it skips special
    tokens, stops at EOS, and passes over what makes no sense. What the grammar promises is said in
    `flat_grammar` and `compound_grammar`.
    """

    def __init__(
        self,
        kind: str,
        /,
        preset: str = "default",
        trained: Mapping[str, Any] | None = None,
        miditok_version: str | None = None,
        **options: Any,
    ) -> None:
        package = adapter_options.miditok()
        self.kind = kind
        self.name = f"miditok:{kind}"  # type: ignore[misc]  # of the instance: one class stands for all kinds
        if preset != "default":
            raise UnknownNameError(f"{self.name} has no preset {preset!r}: choose from default")
        version = adapter_options.installed_version()
        if miditok_version not in (None, version):
            raise OptionError(
                f"{self.name} is of MidiTok {miditok_version}, and {version} is installed; "
                f"run: pip install miditok=={miditok_version}"
            )
        self.preset = preset
        self.options = adapter_options.canonical(kind, options)
        if not (trained is None or isinstance(trained, Mapping)):
            raise OptionError(
                f"{self.name}: the trained state is damaged: it must come from `train`, not {trained!r:.40}"
            )
        self.trained = dict(trained) if trained is not None else None
        if self.trained is None:
            config = adapter_options.config(kind, self.options)
            try:
                self.miditok = getattr(package, kind)(config)
            except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
                raise OptionError(f"{self.name}: {error}") from None
        else:
            self.miditok = training.restored(kind, self.options, self.trained)
        self.per_track = not self.miditok.one_token_stream
        self._describe()

    def _describe(self) -> None:
        """Vocabulary, grammar, and what decoding looks at."""
        tables = self.miditok.vocab if self.miditok.is_multi_voc else [self.miditok.vocab]
        base = tuple(tuple(sorted(table, key=table.__getitem__)) for table in tables)
        self._base = base[0]
        self._specials = np.array([name in self.miditok.special_tokens for name in self._base])
        self._ends = np.array([name == "EOS_None" for name in self._base])
        for number, name in enumerate(self._base):
            if name in ("Track_Start", "Track_End"):
                self._specials[number] = False
        self._drums = np.array([name.startswith(("PitchDrum_", "DrumOn_")) for name in self._base])
        self._expansions: list[list[int]] | None = None
        if self.miditok.is_multi_voc:
            self.vocabulary = Vocabulary(base)
            self.grammar = word_grammar(self.miditok, self.vocabulary)
            return
        names = base[0]
        if self.trained is not None:
            self._expansions, names = training.expansions(self.miditok)
        self.vocabulary = Vocabulary((names,))
        self.grammar = TypeGrammar(self.miditok, self._expansions)

    def to_config(self) -> dict[str, Any]:
        """Name, preset, the options that were given, MidiTok's version, and the trained state if there is one."""
        config = {
            "name": self.name,
            "preset": self.preset,
            "miditok_version": adapter_options.installed_version(),
            **self.options,
        }
        return config if self.trained is None else {**config, "trained": self.trained}

    def encode(self, score: Score) -> Ids | list[Ids]:
        """Ids of a score: int32, (n,) or (n, fields); a list of them, one a track, where MidiTok gives one.

        Raises:
            RegionError: when the score lasts more than 100,000 quarters.
            TokenError: when MidiTok fails on it.
        """
        self._check_length(score)
        try:
            sequences = self.miditok.encode(self._to_symusic(score))
        except Exception as error:
            if self.kind == "MMM" and isinstance(error, IndexError):
                return self._array([])  # neither a note nor a meter
            raise TokenError(f"{self.name} cannot encode this score ({type(error).__name__}: {error})") from None
        if isinstance(sequences, list):
            return [self._array(one.ids) for one in sequences]
        return self._array(sequences.ids)

    def _check_length(self, score: Score) -> None:
        last = max(score.end, *(int(t["time"][-1]) if len(t) else 0 for t in (score.tempos, score.meters, score.keys)))
        if last > MAX_QUARTERS * score.ticks_per_quarter:
            raise RegionError(f"the score lasts more than {MAX_QUARTERS:,} quarters; clip it first")

    def _to_symusic(self, score: Score) -> Any:
        score = as_symusic_reads(score)
        if not len(score.tempos):
            # MuMIDI needs one.
            score = score.replace(tempos=np.array([(0, 500_000)], TEMPO))
        if self.kind == "PerTok":
            # It fails on meters that are not in its vocabulary; the others leave them out.
            meters = zip(score.meters["numerator"].tolist(), score.meters["denominator"].tolist(), strict=True)
            known = {tuple(meter) for meter in self.miditok.time_signatures}
            score = score.replace(meters=score.meters[[meter in known for meter in meters]])
        target = to_symusic(score.without_hanging())
        if self.miditok.config.use_sustain_pedals:
            import symusic

            for index, track in enumerate(target.tracks):
                controls = score.controls[(score.controls["track"] == index) & (score.controls["number"] == _SUSTAIN)]
                start, length = pedals(controls["time"].tolist(), controls["value"].tolist())
                track.pedals = symusic.Pedal.from_numpy(np.array(start, np.int32), np.array(length, np.int32))
        return target

    def _array(self, ids: list[Any]) -> Ids:
        fields = len(self.vocabulary.sizes)
        if fields == 1:
            return np.array(ids, np.int32)
        words = np.full((len(ids), fields), self.miditok.pad_token_id, np.int32)
        for row, word in zip(words, ids, strict=True):
            row[: len(word)] = word
        return words

    def decode(self, ids: ArrayLike) -> Score:
        """The score that ids stand for; where each track is encoded alone, of one sequence or a list of them.

        Without programs a sequence with drums comes back as a drum track. A note that would begin before 0 begins
        there.

        Raises:
            TokenError: when an id is outside the vocabulary, or MidiTok fails on the ids.
        """
        sequences = [self._plain(self.check(one)) for one in self.sequences(ids, self.per_track)]
        sequences = [one for one in sequences if len(one)]
        if not sequences:
            return Score(ticks_per_quarter=self.miditok.time_division)
        programs = None
        if self.per_track and not self.miditok.config.use_programs:
            column = 2 if self.kind == "CPWord" else 0
            drums = self._drums if self.kind != "CPWord" else self._drum_pitches(column)
            programs = [(0, bool(drums[one if one.ndim == 1 else one[:, column]].any())) for one in sequences]
        package = adapter_options.miditok()
        tokens = [package.TokSequence(ids=one.tolist()) for one in sequences]
        try:
            decoded = self.miditok.decode(tokens if self.per_track else tokens[0], programs)
            _begin_at_zero(decoded)
            return from_symusic(decoded)
        except Exception as error:
            raise TokenError(f"{self.name} cannot decode these ids ({type(error).__name__}: {error})") from None

    def _drum_pitches(self, field: int) -> Any:
        return np.array([name.startswith("PitchDrum_") for name in self.vocabulary.fields[field]])

    def _plain(self, ids: Ids) -> Ids:
        """Base ids, up to EOS, without special tokens."""
        if self._expansions is not None:
            parts = [self._expansions[token] for token in ids.tolist()]
            ids = np.array([token for part in parts for token in part], np.int32)
        first = ids if ids.ndim == 1 else ids[:, 0]
        ends = np.flatnonzero(self._ends[first])
        if len(ends):
            ids, first = ids[: ends[0]], first[: ends[0]]
        return np.asarray(ids[~self._specials[first]])

    def train(
        self, music: Score | str | Path | Iterable[Score | str | Path], vocab_size: int, model: str = "BPE"
    ) -> MidiTokTokenizer:
        """A tokenizer of the same options whose ids stand for several tokens each, learnt from this music.

        Args:
            music: scores, or files as `symbolic_music.read` takes them; one, or an iterable of them. A score without
                notes adds nothing.
            vocab_size: ids wanted, at most 100,000; fewer when the music does not give as many.
            model: BPE, Unigram (whose training is not the same each time), or WordPiece. An id does not cross a bar,
                or what the option `encode_ids_split` says: "bar", "beat" or "no".

        Raises:
            OptionError: for an unknown model, a size that is no whole number, not above that of the vocabulary or
                above 100,000, no music at all, WordPiece without a split, and for CPWord, Octuple and MuMIDI, which
                cannot be trained.
            FileError: when a file is missing, cannot be read, or is not music.
            EmptyScoreError: when there is no note to learn from.
            RegionError, TokenError: when a score cannot be encoded, as `encode` says.
        """
        state = training.trained_state(self.kind, self.options, self._to_learn_from(music), vocab_size, model)
        return MidiTokTokenizer(self.kind, trained=state, **self.options)

    def _to_learn_from(self, music: Score | str | Path | Iterable[Score | str | Path]) -> Iterator[tuple[str, Any]]:
        """symusic's scores and their names; scores without notes are left out."""
        given = False
        for name, score in training.scores_of(music):
            given = True
            self._check_length(score)
            if len(score.without_hanging()):
                yield name, self._to_symusic(score)
        if not given:
            raise OptionError("training needs at least one score or file")


def _begin_at_zero(score: Any) -> None:
    """Move the notes of symusic's score that begin before 0 there: PerTok's shifts can lead so far."""
    import symusic

    for track in score.tracks:
        columns = track.notes.numpy()
        if len(columns["time"]) and columns["time"].min() < 0:
            columns["time"] = np.maximum(columns["time"], 0)
            track.notes = symusic.Note.from_numpy(**columns)


def pedals(times: list[int], values: list[int]) -> tuple[list[int], list[int]]:
    """Begins and lengths of the times that a pedal is down (64 or more), as symusic finds them in a file."""
    starts: list[int] = []
    lengths: list[int] = []
    down = -1
    for time, value in zip(times, values, strict=True):
        if value >= 64 and down < 0:
            down = time
        elif value < 64 and down >= 0:
            starts.append(down)
            lengths.append(time - down)
            down = -1
    return starts, lengths
