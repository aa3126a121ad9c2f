"""How the service does: what comes in, how fast it answers, what drifts, what is wrong."""
