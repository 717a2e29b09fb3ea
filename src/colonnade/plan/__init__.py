"""Cutting regions into ranges that fit the memory."""
