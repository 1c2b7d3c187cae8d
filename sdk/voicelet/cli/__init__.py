"""The `voicelet` command, a module a subcommand."""
