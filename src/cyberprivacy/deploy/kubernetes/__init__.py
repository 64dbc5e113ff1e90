"""The Kubernetes runtime: the same bundle on any cluster that a kubeconfig names.

Reading order: `kubeconfig` (whom we talk to), `api` and `fields` (how), `objects` (what a release is there),
`walls` (what is around it), `policy` (what the cluster refuses on our behalf), `rollout` and `reading` (what came
of it), `room` (one application's namespace), `release` (on its way into it), `drift` (who changed it), `runtime`.
"""
