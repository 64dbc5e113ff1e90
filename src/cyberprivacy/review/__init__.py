"""How it is judged: the gate, the size of a change, the difference."""
