"""The parts of bench/kubernetes.py."""
