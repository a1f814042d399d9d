"""Sound from SoundFonts and recorded samples."""
