"""What `modelrail init` and `doctor` see: the working copy, its workflows, the settings on GitHub."""
