"""Tables, pictures and a page to listen on."""
