"""The Flower app: what server and devices say to each other in a round, and do."""
