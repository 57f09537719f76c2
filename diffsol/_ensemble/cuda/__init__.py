"""Ensembles on NVIDIA GPUs through CuPy: one thread for each trajectory. Nothing here imports CuPy but on use."""
