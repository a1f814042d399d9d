"""Sound as tokens: a quantised autoencoder, other codecs behind the same names, a language model of codes."""

from symbolic_music.codec.autoencoder import JUKEBOX, Codec, CodecConfig
from symbolic_music.codec.codes import Codes, load_codes
from symbolic_music.codec.coding import decode_audio, encode_audio
from symbolic_music.codec.folders import load_codec, save_codec
from symbolic_music.codec.hugging_face import load_adapter
from symbolic_music.codec.interface import AudioCodec, Format
from symbolic_music.codec.language_model import CodecLanguageModel, CodecLanguageModelConfig
from symbolic_music.codec.masked import MaskedWriter, MaskedWriterConfig
from symbolic_music.codec.musicgen import MusicgenWriter, MusicgenWriterConfig
from symbolic_music.codec.patterns import Pattern
from symbolic_music.codec.score_frames import score_frames
from symbolic_music.codec.sounding import render_by_codec, render_file_by_codec, score_to_codes
from symbolic_music.codec.streaming import StreamDecoder, StreamEncoder
from symbolic_music.codec.writers import Writer, load_writer, save_writer
from symbolic_music.codec.writing import stream_codes, write_codes

__all__ = [
    "JUKEBOX",
    "AudioCodec",
    "Codec",
    "CodecConfig",
    "CodecLanguageModel",
    "CodecLanguageModelConfig",
    "Codes",
    "Format",
    "MaskedWriter",
    "MaskedWriterConfig",
    "MusicgenWriter",
    "MusicgenWriterConfig",
    "Pattern",
    "StreamDecoder",
    "StreamEncoder",
    "Writer",
    "decode_audio",
    "encode_audio",
    "load_adapter",
    "load_codec",
    "load_codes",
    "load_writer",
    "render_by_codec",
    "render_file_by_codec",
    "save_codec",
    "save_writer",
    "score_frames",
    "score_to_codes",
    "stream_codes",
    "write_codes",
]
