"""Three chord recognisers, each of which a published encoding uses."""
