"""Sections of the Interactions page, one module each with ``draw(work)``; only the section shown is imported and run."""
