"""Speaker vectors sealed for one server, one purpose and a short time."""
