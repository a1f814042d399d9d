"""MusicXML: parsed within bounds, and read measure by measure."""
