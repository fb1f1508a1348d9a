"""What is found out about a benchmark beyond single scores, as tables."""
