"""Where the language packs of a voice come from: installed ones, the bundle's, the package's."""
