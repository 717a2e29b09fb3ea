"""Made-up populations with known truth, and reads from them."""
