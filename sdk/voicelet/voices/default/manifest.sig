{
  "algorithm": "Ed25519",
  "public_key": "d95f76551754d0ad1e941879ac923d9974ce34535203fdfd02628d0897f5d28a",
  "signature": "dc5f6dc41e2e2d2ed41df42e11dd5ee9c10cb46e94e27a432f39a616ac5e8d62eb23bcaaee5ae1b87be0dd64c4fc5fd0f43a4c6c8632b3ac84bdecf63f09550d"
}
