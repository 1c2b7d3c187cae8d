"""A real federation on real machines: certificates, keys, addresses, and Flower's processes."""
