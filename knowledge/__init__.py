"""Pure functions: plain values in, plain values out. No Dagster, no I/O, no import of our other packages."""
