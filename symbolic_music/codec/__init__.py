"""Audio by neural networks: codecs, language models of their codes, and a flow decoder, conditioned on a score."""

from symbolic_music.codec.any_synth import render
from symbolic_music.codec.autoencoder.checkpoint import save_codec
from symbolic_music.codec.autoencoder.model import JUKEBOX, Codec, CodecConfig
from symbolic_music.codec.autoencoder.streaming import StreamDecoder, StreamEncoder
from symbolic_music.codec.base import AudioCodec, Format, StreamingCodec
from symbolic_music.codec.codes import Codes, load_codes
from symbolic_music.codec.encode_decode import decode_audio, encode_audio
from symbolic_music.codec.flow.checkpoint import load_flow, save_flow
from symbolic_music.codec.flow.decoder import FlowConfig, FlowDecoder
from symbolic_music.codec.flow.rendering import render_by_flow, render_file_by_flow
from symbolic_music.codec.flow.streaming import stream_sound
from symbolic_music.codec.huggingface import load_adapter
from symbolic_music.codec.jukebox.cascade import (
    Jukebox,
    generate_sound,
    generate_sound_file,
    load_jukebox,
    stream_cascade,
)
from symbolic_music.codec.jukebox.level import JukeboxLevel, load_level, save_level
from symbolic_music.codec.jukebox.prior import JukeboxPrior, JukeboxPriorConfig
from symbolic_music.codec.jukebox.sampling import JukeboxSampling
from symbolic_music.codec.language_models.autoregressive import CodecLanguageModel, CodecLanguageModelConfig
from symbolic_music.codec.language_models.autoregressive_decoding import stream_codes, write_codes
from symbolic_music.codec.language_models.depth_decoder import DepthWriter, DepthWriterConfig, stream_by_depth
from symbolic_music.codec.language_models.masked import MaskedWriter, MaskedWriterConfig
from symbolic_music.codec.language_models.melody_features import melody_frames
from symbolic_music.codec.language_models.musicgen import MusicgenWriter, MusicgenWriterConfig
from symbolic_music.codec.language_models.patterns import Pattern
from symbolic_music.codec.language_models.registry import Writer, load_writer, save_writer
from symbolic_music.codec.language_models.score_features import score_frames
from symbolic_music.codec.language_models.text_features import TextEncoder, describe, load_text_encoder
from symbolic_music.codec.many_files import EncodedFile, RenderedFile, encode_files, render_files
from symbolic_music.codec.registry import load_codec, register
from symbolic_music.codec.rendering import render_by_codec, render_file_by_codec, score_to_codes
from symbolic_music.deprecation import old_names

__all__ = [
    "JUKEBOX",
    "AudioCodec",
    "Codec",
    "CodecConfig",
    "CodecLanguageModel",
    "CodecLanguageModelConfig",
    "Codes",
    "DepthWriter",
    "DepthWriterConfig",
    "EncodedFile",
    "FlowConfig",
    "FlowDecoder",
    "Format",
    "Jukebox",
    "JukeboxLevel",
    "JukeboxPrior",
    "JukeboxPriorConfig",
    "JukeboxSampling",
    "MaskedWriter",
    "MaskedWriterConfig",
    "MusicgenWriter",
    "MusicgenWriterConfig",
    "Pattern",
    "RenderedFile",
    "StreamDecoder",
    "StreamEncoder",
    "StreamingCodec",
    "TextEncoder",
    "Writer",
    "decode_audio",
    "describe",
    "encode_audio",
    "encode_files",
    "generate_sound",
    "generate_sound_file",
    "load_adapter",
    "load_codec",
    "load_codes",
    "load_flow",
    "load_jukebox",
    "load_level",
    "load_text_encoder",
    "load_writer",
    "melody_frames",
    "register",
    "render",
    "render_by_codec",
    "render_by_flow",
    "render_file_by_codec",
    "render_file_by_flow",
    "render_files",
    "save_codec",
    "save_flow",
    "save_level",
    "save_writer",
    "score_frames",
    "score_to_codes",
    "stream_by_depth",
    "stream_cascade",
    "stream_codes",
    "stream_sound",
    "write_codes",
]

__getattr__ = old_names(
    __name__,
    {
        "Draw": ("JukeboxSampling", lambda: JukeboxSampling),
        "Level": ("JukeboxLevel", lambda: JukeboxLevel),
        "Prior": ("JukeboxPrior", lambda: JukeboxPrior),
        "PriorConfig": ("JukeboxPriorConfig", lambda: JukeboxPriorConfig),
    },
)
