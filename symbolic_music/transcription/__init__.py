"""From a recording or a performance to what was played: spectra, notes, beats, downbeats and bars."""

from symbolic_music.transcription.bars import with_bars
from symbolic_music.transcription.beats import Beats, track_beats
from symbolic_music.transcription.checkpoint import load_transcriber, save_transcriber
from symbolic_music.transcription.chroma import chroma
from symbolic_music.transcription.network import Transcriber, TranscriberConfig
from symbolic_music.transcription.notes import Thresholds
from symbolic_music.transcription.other_transcribers import by_beat_this as track_beats_of_sound
from symbolic_music.transcription.refining import refined
from symbolic_music.transcription.spectrograms import Spectrum, constant_q, mel_spectrogram, spectrogram
from symbolic_music.transcription.transcribing import TRANSCRIBERS, transcribe

__all__ = [
    "TRANSCRIBERS",
    "Beats",
    "Spectrum",
    "Thresholds",
    "Transcriber",
    "TranscriberConfig",
    "chroma",
    "constant_q",
    "load_transcriber",
    "mel_spectrogram",
    "refined",
    "save_transcriber",
    "spectrogram",
    "track_beats",
    "track_beats_of_sound",
    "transcribe",
    "with_bars",
]
