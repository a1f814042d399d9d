"""Notation as text, ABC and **kern, translated to MusicXML."""
