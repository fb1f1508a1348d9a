"""The parts of pages that are drawn one at a time."""
