"""Sections of the Interactions page, one module each with ``draw(work)``; only what is shown is imported and run."""
