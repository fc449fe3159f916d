"""How fast, how small, how safe: `python -m tests.benchmarks [NAME…]` measures what the README promises."""
