"""Engines: readers of one rulebook. Each gives the outcome of every rule, per reading."""
