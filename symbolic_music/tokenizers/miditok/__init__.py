"""MidiTok's tokenizers, behind the interface of ours."""
