"""The embedded demo, the catalogue of public data, and downloads."""
