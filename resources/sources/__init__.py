"""Where documents come from. A new kind of source is one module here and one registration."""
