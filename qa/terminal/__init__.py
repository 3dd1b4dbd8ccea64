"""What the terminal shows, and how a command runs in it. The commands are in `qa.cli`."""
