"""What is injected into assets: the project, warm engines, a GPU lease, progress; and the partitions they share."""
