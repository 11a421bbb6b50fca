"""A small tide prediction service."""
