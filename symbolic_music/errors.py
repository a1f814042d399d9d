"""Errors that a caller can name. The command line prints each as one line and exits with 2."""


class SymbolicMusicError(Exception):
    """Base of every error that this library raises on purpose; its text says what to do."""


class FileError(SymbolicMusicError):
    """A file is missing, cannot be read, or cannot be written."""


class MidiError(FileError):
    """A file is not MIDI, or too damaged to recover any notes."""


class NotationError(FileError):
    """A notation file (MusicXML, ABC, kern, ...) cannot be read or written."""


class ScoreError(SymbolicMusicError):
    """A table of a score has an impossible value: a time before the beginning, a pitch over 127."""


class EmptyScoreError(SymbolicMusicError):
    """A score has no notes, and at least one is needed."""


class RegionError(SymbolicMusicError):
    """A region of time or a choice of tracks is impossible for the score."""


class TokenError(SymbolicMusicError):
    """Ids are outside the vocabulary or of the wrong shape."""


class OptionError(SymbolicMusicError):
    """An option is unknown, or its value is out of range."""


class ConstraintError(SymbolicMusicError):
    """Constraints on new notes contradict each other: no next note is allowed."""


class NothingWrittenError(SymbolicMusicError):
    """An edit wrote no notes where the piece has some, so it would only delete."""


class UnknownNameError(SymbolicMusicError):
    """A tokenizer, model, corpus or preset of this name does not exist."""


class ModelError(SymbolicMusicError):
    """A model folder is missing parts, has wrong shapes, or names another tokenizer."""


class ConfigError(SymbolicMusicError):
    """A configuration file has an unknown key or a value out of range."""


class CorpusError(SymbolicMusicError):
    """A data set is missing, or is not the one that was named."""


class StoreError(CorpusError):
    """A note store is incomplete, or its bytes have changed."""


class WorkerError(SymbolicMusicError):
    """A process that ran a task died."""


class TrainingError(SymbolicMusicError):
    """Training cannot continue: the loss is not finite, or a checkpoint does not fit."""


class AudioError(SymbolicMusicError):
    """Audio cannot be rendered or written."""


class EvaluationError(SymbolicMusicError):
    """The inputs of a comparison do not match, or are too few."""


class PluginError(SymbolicMusicError):
    """A part that another package adds cannot be loaded, has a name that is taken, or lacks what its kind needs."""


class MissingExtraError(SymbolicMusicError):
    """A feature needs an optional package; the text names the extra that installs it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; run: pip install 'symbolic-music-torch[{extra}]'")


class MissingWeightsError(SymbolicMusicError):
    """Weights that come with the library are in a package that is not installed; the text names it."""

    def __init__(self, name: str, package: str) -> None:
        super().__init__(f"the weights of {name} are in {package}, which is not installed; run: pip install {package}")
