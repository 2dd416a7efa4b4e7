"""The `videopasta` command: one file a command. Heavy imports happen inside the commands, so that help is instant."""
