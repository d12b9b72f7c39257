"""What assets talk to: one seam per thing, each with a handful of batched verbs."""
