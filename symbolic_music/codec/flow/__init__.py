"""Sound of a score by flow matching: noise to a mel spectrogram, and that to sound by an inverse-STFT head."""
