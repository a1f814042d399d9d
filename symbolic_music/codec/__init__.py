"""Sound as tokens: a quantised autoencoder, other libraries' codecs behind the same names, patterns of codes."""

from symbolic_music.codec.autoencoder import JUKEBOX, Codec, CodecConfig
from symbolic_music.codec.codes import Codes, load_codes
from symbolic_music.codec.coding import decode_audio, encode_audio
from symbolic_music.codec.hugging_face import load_adapter
from symbolic_music.codec.interface import AudioCodec, Format
from symbolic_music.codec.patterns import Pattern
from symbolic_music.codec.streaming import StreamDecoder, StreamEncoder

__all__ = [
    "JUKEBOX",
    "AudioCodec",
    "Codec",
    "CodecConfig",
    "Codes",
    "Format",
    "Pattern",
    "StreamDecoder",
    "StreamEncoder",
    "decode_audio",
    "encode_audio",
    "load_adapter",
    "load_codes",
]
