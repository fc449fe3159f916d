"""The HTTP surface: the webhook routes and health. Knows requests and answers, decides nothing else."""
