"""Grammars of flat and of compound tokens."""
