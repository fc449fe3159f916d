"""The Fusion API: what it is sent, what its answers mean, and a sandbox that behaves like it."""
