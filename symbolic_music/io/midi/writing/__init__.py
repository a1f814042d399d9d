"""What a written MIDI file is made of: channels, event bytes, and chunks patched event by event."""
