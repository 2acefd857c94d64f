"""Modelrail: machine-learning models from pull request to production and back, with Git as the registry."""

__version__ = "0.1.0"
