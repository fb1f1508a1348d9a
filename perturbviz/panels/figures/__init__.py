"""Figures as plain parts: tidy data in, what Plotly draws out."""
