"""Figures as pure functions: tidy data in, Plotly figure out."""
