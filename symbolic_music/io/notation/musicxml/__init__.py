"""MusicXML, parsed with bounds and read measure by measure."""
