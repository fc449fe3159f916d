"""What we owe Fusion: who a lead is, what to send next, what an answer means. Pure decisions only."""
