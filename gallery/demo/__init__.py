"""A small library of real pictures and films, drawn to try things out."""

from gallery.demo.library import write_demo_library

__all__ = ["write_demo_library"]
