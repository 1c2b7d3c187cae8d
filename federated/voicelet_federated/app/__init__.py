"""The Flower app: the messages of server and devices in a round, and what each side does."""
