"""What is drawn and said: figures and captions, pure functions of tidy data."""
