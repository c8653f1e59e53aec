"""HTTP on a clock, and the guard: who may ask, how much, for how long."""
