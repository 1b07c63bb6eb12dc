"""Renderings of a report. None of them decides or recomputes anything."""

# Appointments, from which on a page tells once what many of them share, and leaves out what would
# change a verdict and who may mentor instead.
LARGE = 1000
