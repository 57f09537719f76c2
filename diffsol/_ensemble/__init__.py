"""Ensembles: many trajectories of one system, each with its own start, arguments and steps."""
