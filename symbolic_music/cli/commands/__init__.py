"""The verbs: one file each, which parses, calls one public function and reports."""
