"""The tests. The oracle in here shares no code with the library."""
