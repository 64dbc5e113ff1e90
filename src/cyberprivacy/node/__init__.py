"""The reconcile loop of a Privacy Server."""
