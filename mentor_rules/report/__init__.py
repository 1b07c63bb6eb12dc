"""Renderings of a report. None of them decides or recomputes anything."""
