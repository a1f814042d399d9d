"""The verbs that write music."""
