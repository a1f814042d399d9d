"""Writing MIDI: channels, event bytes, and chunks patched event by event."""
