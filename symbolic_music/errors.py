"""Errors that a caller can name. The command line prints each as one line and exits with 2."""


class SymbolicMusicError(Exception):
    """Base of every error that this library raises on purpose; its text says what to do.

    Examples:
        >>> try:
        ...     sm.read("absent.mid")
        ... except sm.errors.SymbolicMusicError as error:
        ...     print(error)
        no such file: absent.mid
    """


class FileError(SymbolicMusicError):
    """A file is missing, cannot be read, or cannot be written.

    Examples:
        >>> sm.read("absent.mid")
        Traceback (most recent call last):
        symbolic_music.errors.FileError: ...
    """


class MidiError(FileError):
    """A file is not MIDI, or too damaged to recover any notes.

    Examples:
        >>> sm.io.parse_midi(b"no MIDI")
        Traceback (most recent call last):
        symbolic_music.errors.MidiError: ...
    """


class NotationError(FileError):
    """A notation file (MusicXML, ABC, kern, ...) cannot be read or written.

    Examples:
        >>> from pathlib import Path
        >>> _ = Path("broken.musicxml").write_text("<score")
        >>> sm.read("broken.musicxml")
        Traceback (most recent call last):
        symbolic_music.errors.NotationError: ...
    """


class ScoreError(SymbolicMusicError):
    """A table of a score has an impossible value: a time before the beginning, a pitch over 127.

    Examples:
        >>> sm.Score(notes=sm.score.note_table([(0, 480, 200)]))
        Traceback (most recent call last):
        symbolic_music.errors.ScoreError: ...
    """


class EmptyScoreError(SymbolicMusicError):
    """A score has no notes, and at least one is needed.

    Examples:
        >>> sm.render(sm.Score())
        Traceback (most recent call last):
        symbolic_music.errors.EmptyScoreError: ...
    """


class RegionError(SymbolicMusicError):
    """A region of time or a choice of tracks is impossible for the score.

    Examples:
        >>> sm.infill(song, bars=(40, 44), tracks=["bass"])
        Traceback (most recent call last):
        symbolic_music.errors.RegionError: ...
    """


class TokenError(SymbolicMusicError):
    """Ids are outside the vocabulary or of the wrong shape.

    Examples:
        >>> sm.tokenizers.get("anticipation").decode([-1])
        Traceback (most recent call last):
        symbolic_music.errors.TokenError: ...
    """


class OptionError(SymbolicMusicError):
    """An option is unknown, or its value is out of range.

    Examples:
        >>> sm.Sampling(temperature=-1.0)
        Traceback (most recent call last):
        symbolic_music.errors.OptionError: ...
    """


class ConstraintError(SymbolicMusicError):
    """Constraints on new notes contradict each other: no next note is allowed.

    Examples:
        >>> sm.Limits(lowest=61, highest=61, scale="C major")
        Traceback (most recent call last):
        symbolic_music.errors.ConstraintError: ...
    """


class NothingWrittenError(SymbolicMusicError):
    """No notes were written or found: an edit would only delete, or a file would hold none.

    Examples:
        >>> try:
        ...     edited = sm.infill(song, bars=(9, 10), tracks=["bass"], seed=1)
        ... except sm.errors.NothingWrittenError:
        ...     edited = sm.infill(song, bars=(7, 12), tracks=["bass"], seed=2)
    """


class UnknownNameError(SymbolicMusicError):
    """A tokenizer, model, corpus or preset of this name does not exist.

    Examples:
        >>> sm.tokenizers.get("remii")
        Traceback (most recent call last):
        symbolic_music.errors.UnknownNameError: ...
    """


class ModelError(SymbolicMusicError):
    """A model folder is missing parts, has wrong shapes, or names another tokenizer.

    Examples:
        >>> from pathlib import Path
        >>> Path("empty").mkdir()
        >>> sm.load_model("empty")
        Traceback (most recent call last):
        symbolic_music.errors.ModelError: ...
    """


class ConfigError(SymbolicMusicError):
    r"""A configuration file has an unknown key or a value out of range.

    Examples:
        >>> from pathlib import Path
        >>> _ = Path("run.yaml").write_text("name: run\nstepz: 3")
        >>> sm.training.load_config("run.yaml")
        Traceback (most recent call last):
        symbolic_music.errors.ConfigError: ...
    """


class CorpusError(SymbolicMusicError):
    """A data set is missing, or is not the one that was named.

    Examples:
        >>> sm.corpora.NoteStore("no.store")
        Traceback (most recent call last):
        symbolic_music.errors.CorpusError: ...
    """


class StoreError(CorpusError):
    """A note store is incomplete, or its bytes have changed.

    Examples:
        >>> from pathlib import Path
        >>> segment = next(Path("my.store").glob("segments/*.safetensors"))
        >>> _ = segment.write_bytes(segment.read_bytes()[:-1])
        >>> sm.corpora.NoteStore("my.store")
        Traceback (most recent call last):
        symbolic_music.errors.StoreError: ...
    """


class WorkerError(SymbolicMusicError):
    """A process that ran a task died.

    Examples:
        >>> try:
        ...     store = sm.corpora.prepare("folder", "my-midi", "other.store", workers=1)
        ... except sm.errors.WorkerError:
        ...     print("run it again: what is prepared is kept")
    """


class TrainingError(SymbolicMusicError):
    """Training cannot continue: the loss is not finite, or a checkpoint does not fit.

    Examples:
        >>> config = sm.training.load_config("first.yaml", ["optim.steps=1"])
        >>> result = sm.training.train(config)
        >>> sm.training.train(config.model_copy(update={"seed": 2}), resume=True)  # another run than the checkpoint's
        Traceback (most recent call last):
        symbolic_music.errors.TrainingError: ...
    """


class AudioError(SymbolicMusicError):
    """Audio cannot be rendered or written.

    Examples:
        >>> sm.Audio(np.zeros((2, 8), np.float32), 44100).write("a.mp3")
        Traceback (most recent call last):
        symbolic_music.errors.AudioError: ...
    """


class EvaluationError(SymbolicMusicError):
    """The inputs of a comparison do not match, or are too few.

    Examples:
        >>> from symbolic_music.evaluation.listening.statistics import judge
        >>> judge([])  # no answers
        Traceback (most recent call last):
        symbolic_music.errors.EvaluationError: ...
    """


class PluginError(SymbolicMusicError):
    """A part that another package adds cannot be loaded, has a name that is taken, or lacks what its kind needs.

    Examples:
        >>> @sm.tokenizers.register
        ... class Unnamed: ...
        Traceback (most recent call last):
        symbolic_music.errors.PluginError: ...
    """


class MissingExtraError(SymbolicMusicError):
    """A feature needs an optional package; the text names the extra, or the package itself, that installs it.

    Examples:
        >>> print(sm.errors.MissingExtraError("music21", "notation"))
        music21 is not installed; run: pip install 'symbolic-music-torch[notation]'
        >>> print(sm.errors.MissingExtraError("basic-pitch"))
        basic-pitch is not installed; run: pip install basic-pitch
    """

    def __init__(self, package: str, extra: str = "") -> None:
        what = f"'symbolic-music-torch[{extra}]'" if extra else package
        super().__init__(f"{package} is not installed; run: pip install {what}")


class MissingWeightsError(SymbolicMusicError):
    """Weights that come with the library are in a package that is not installed; the text names it.

    Examples:
        >>> print(sm.errors.MissingWeightsError("song", "symbolic-music-torch-models"))
        the weights of song are in symbolic-music-torch-models, which is not installed;
        run: pip install symbolic-music-torch-models
    """

    def __init__(self, name: str, package: str) -> None:
        super().__init__(f"the weights of {name} are in {package}, which is not installed; run: pip install {package}")


def check_seed(seed: int) -> None:
    """Refuse a seed below 0, from which no generator of random numbers begins.

    Raises:
        OptionError: for a seed below 0.

    Examples:
        >>> sm.errors.check_seed(7)
    """
    if seed < 0:
        raise OptionError(f"a seed is a whole number from 0 on, not {seed}")
