"""songwise: classify music, and know how well on songs never heard."""
