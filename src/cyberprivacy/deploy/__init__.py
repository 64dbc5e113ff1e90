"""From a parsed Kubernetes model to running services behind a TLS front."""
