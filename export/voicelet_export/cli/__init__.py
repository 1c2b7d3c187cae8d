"""The `voicelet-export` command, a module a subcommand."""
