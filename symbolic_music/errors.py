"""Errors that a caller can name. The command line prints each as one line and exits with 2."""


class SymbolicMusicError(Exception):
    """Base of every error that this library raises on purpose; its text says what to do."""


class FileError(SymbolicMusicError):
    """A file is missing, cannot be read, or cannot be written."""


class MidiError(FileError):
    """A file is not MIDI, or so broken that no notes can be recovered."""


class NotationError(FileError):
    """A notation file (MusicXML, ABC, kern, ...) cannot be read or written."""


class ScoreError(SymbolicMusicError):
    """A table of a score holds what no score can: a time before the beginning, a pitch over 127."""


class EmptyScoreError(SymbolicMusicError):
    """A score holds no notes where at least one is needed."""


class RegionError(SymbolicMusicError):
    """A region of time or a choice of tracks is impossible for this score."""


class TokenError(SymbolicMusicError):
    """Ids are outside the vocabulary or of the wrong shape."""


class OptionError(SymbolicMusicError):
    """An option is unknown or its value out of range."""


class ConstraintError(SymbolicMusicError):
    """Constraints on what is to be written contradict each other: nothing may follow."""


class NothingWrittenError(SymbolicMusicError):
    """An edit wrote no note where the piece had some, so that it would only delete."""


class UnknownNameError(SymbolicMusicError):
    """A tokenizer, model, corpus or preset of this name does not exist."""


class ModelError(SymbolicMusicError):
    """A model folder is missing parts, has wrong shapes, or names another tokenizer."""


class ConfigError(SymbolicMusicError):
    """A configuration file has an unknown key or a value out of range."""


class CorpusError(SymbolicMusicError):
    """A corpus is not where it was said to be, or not what it was said to be."""


class StoreError(CorpusError):
    """A note store is unfinished, or holds other bytes than were written."""


class TrainingError(SymbolicMusicError):
    """Training cannot go on: a loss that is not finite, or a checkpoint that does not fit."""


class AudioError(SymbolicMusicError):
    """Sound cannot be rendered or written."""


class EvaluationError(SymbolicMusicError):
    """What is to be compared does not belong together, or there is too little of it for a figure."""


class PluginError(SymbolicMusicError):
    """A part that another package adds cannot be loaded, has a name that is taken, or lacks what its kind needs."""


class MissingExtraError(SymbolicMusicError):
    """A feature needs an optional package; the text names the extra that installs it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; run: pip install 'symbolic-music-torch[{extra}]'")
