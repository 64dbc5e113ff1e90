"""A real Kubernetes of one machine, for the tests and the demo: everything in it is the real thing."""
