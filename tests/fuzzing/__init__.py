"""Inputs and targets of the fuzz campaign (`tests/campaigns/fuzz.py`)."""
