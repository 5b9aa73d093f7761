"""What a run shows in the terminal: one live block, or plain lines where nobody watches."""
