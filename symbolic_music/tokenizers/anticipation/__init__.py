"""The anticipatory encoding: events in absolute time, with controls ahead of them."""
