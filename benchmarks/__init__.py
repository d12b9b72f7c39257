"""Measurements that anyone can run: `python -m benchmarks [FOLDER]`, or one alone, `python -m benchmarks.update_cost`."""
