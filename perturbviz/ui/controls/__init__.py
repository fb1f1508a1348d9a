"""What a person chooses with: the sidebar, the pin, the report."""
