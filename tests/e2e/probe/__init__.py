"""probe - the rules of tests/e2e/http_probe.py, and what they are made of."""
