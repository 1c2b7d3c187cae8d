"""The `voicelet-federated` command, a module a subcommand."""
