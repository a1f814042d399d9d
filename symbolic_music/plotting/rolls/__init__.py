"""Piano rolls."""
