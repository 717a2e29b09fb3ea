"""What people look at: the result of a comparison as one page that opens without a network."""
