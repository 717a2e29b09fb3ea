"""Tasks, their order, and what the person at the terminal sees of them; nothing of biology."""
