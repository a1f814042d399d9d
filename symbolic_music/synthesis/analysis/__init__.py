"""From recordings to notes, harmonics and features; the spectral loss."""
