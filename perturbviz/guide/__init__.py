"""The Guide: glossary, lessons with what the loaded data reveal, and the talk as links."""
