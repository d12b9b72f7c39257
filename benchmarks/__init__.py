"""Measurements that anyone can run: `python -m benchmarks [FOLDER]`, one alone: `python -m benchmarks.update_cost`."""
